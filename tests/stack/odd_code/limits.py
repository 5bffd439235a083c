"""Ways in which user code meets the limits of its container, each a function that fails or is killed."""

import os
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import psycopg2

MIB = 2**20
TMP = Path("/tmp")  # noqa: S108 - the container's


def fill_memory() -> None:
    """Twice what a run may have."""
    kept = [b"x" * MIB for _ in range(2048)]
    print(len(kept))


def fill_shared_memory() -> None:
    """Twice what /dev/shm holds: the kernel takes the size, and refuses the write."""
    shared = SharedMemory(create=True, size=128 * MIB)
    shared.buf[:] = bytes(128 * MIB)


def fill_tmp() -> None:
    """More than RUN_TMP."""
    with (TMP / "large").open("wb") as file:
        for _ in range(1024):
            file.write(bytes(MIB))


def start_threads() -> None:
    """More than RUN_PIDS."""
    ended = threading.Event()
    try:
        for _ in range(1000):
            threading.Thread(target=ended.wait, daemon=True).start()
    finally:
        ended.set()


def write_beside_the_code() -> None:
    """As code does that was written on a laptop."""
    Path("out.csv").write_text("a,b\n")


def execute_in_tmp() -> None:
    """As programs do that unpack themselves."""
    program = TMP / "tool"
    shutil.copy(shutil.which("true") or "", program)
    program.chmod(0o700)
    subprocess.run([str(program)], check=True)


def reach_outside() -> None:
    """A host of the documentation's own domain; nothing is sent, because its name is not found."""
    urllib.request.urlopen("http://nowhere.example/", timeout=5)


def start_a_run() -> None:
    """Writes where only webserver and daemon may."""
    connection = psycopg2.connect(
        host=os.environ["DAGSTER_POSTGRES_HOST"],
        user=os.environ["DAGSTER_POSTGRES_USER"],
        dbname=os.environ["DAGSTER_POSTGRES_DB"],
    )
    connection.cursor().execute("DELETE FROM runs")


def be_killed() -> None:
    """As by a host that is short of memory."""
    os.kill(os.getpid(), 9)


ACTS: dict[str, Callable[[], None]] = {
    act.__name__: act
    for act in (
        fill_memory, fill_shared_memory, fill_tmp, start_threads, write_beside_the_code, execute_in_tmp,
        reach_outside, start_a_run, be_killed,
    )
}  # fmt: skip
