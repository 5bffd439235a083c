"""Each function exceeds a limit of its container, and then fails or is killed."""

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
TMP = Path("/tmp")  # noqa: S108 - in the container


def fill_memory() -> None:
    """Allocates twice the memory of a run."""
    kept = [b"x" * MIB for _ in range(2048)]
    print(len(kept))


def fill_shared_memory() -> None:
    """Writes twice the size of /dev/shm. The kernel accepts the size and rejects the write."""
    shared = SharedMemory(create=True, size=128 * MIB)
    shared.buf[:] = bytes(128 * MIB)


def fill_tmp() -> None:
    """Writes more than RUN_TMP, and removes it for the next step."""
    large = TMP / "large"
    try:
        with large.open("wb") as file:
            for _ in range(1024):
                file.write(bytes(MIB))
    finally:
        large.unlink()


def start_threads() -> None:
    """Starts more threads than RUN_PIDS."""
    ended = threading.Event()
    try:
        for _ in range(1000):
            threading.Thread(target=ended.wait, daemon=True).start()
    finally:
        ended.set()


def write_beside_the_code() -> None:
    """Writes a file beside the code, as user code does on a laptop."""
    Path("out.csv").write_text("a,b\n")


def execute_in_tmp() -> None:
    """Executes a file in /tmp, as programs do that unpack themselves."""
    program = TMP / "tool"
    shutil.copy(shutil.which("true") or "", program)
    program.chmod(0o700)
    subprocess.run([str(program)], check=True)


def reach_outside() -> None:
    """Looks up a host of a reserved domain. It sends no data, because the name does not exist."""
    urllib.request.urlopen("http://nowhere.example/", timeout=5)


def start_a_run() -> None:
    """Deletes rows of the table `runs`. Only webserver and daemon have the right to do so."""
    connection = psycopg2.connect(
        host=os.environ["DAGSTER_POSTGRES_HOST"],
        user=os.environ["DAGSTER_POSTGRES_USER"],
        dbname=os.environ["DAGSTER_POSTGRES_DB"],
    )
    connection.cursor().execute("DELETE FROM runs")


def be_killed() -> None:
    """Kills its own process, as the kernel does if the host has too little memory."""
    os.kill(os.getpid(), 9)


# Those that end with an exception.
CAUGHT = ("fill_tmp", "start_threads", "write_beside_the_code", "execute_in_tmp", "reach_outside", "start_a_run")
ACTS: dict[str, Callable[[], None]] = {
    act.__name__: act
    for act in (
        fill_memory, fill_shared_memory, fill_tmp, start_threads, write_beside_the_code, execute_in_tmp,
        reach_outside, start_a_run, be_killed,
    )
}  # fmt: skip
