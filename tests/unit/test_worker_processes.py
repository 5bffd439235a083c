"""A worker forks a real process for each run, watches how it ends, and removes what it leaves behind."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_worker.ending import end
from dagster_worker.leftovers import mark, remove_left, remove_unsent
from dagster_worker.run_process import Process

ROOM = 2**40


def ended(act, memory: int = ROOM) -> tuple[bool, int]:
    """Forks a process for `act`. Returns whether it came to its end, and its status."""
    process = Process(act, memory=memory, environment={})
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return process.is_complete, process.close()


def die_of(number: int) -> None:
    """Sends this process a signal. Pytest's handler would print a traceback that looks like a crash of the tests."""
    faulthandler.disable()
    os.kill(os.getpid(), number)


def test_process_that_returns_is_complete() -> None:
    """Only then has Dagster reported the end of the run itself."""
    assert ended(lambda: None) == (True, 0)


@pytest.mark.parametrize("status", [0, 3])
def test_process_that_exits_by_itself_is_not_complete(status: int) -> None:
    """User code may end the process at any time, even with status 0."""
    complete, found = ended(lambda: os._exit(status))
    assert (complete, os.waitstatus_to_exitcode(found)) == (False, status)
    assert end(found, out_of_memory=False).said == f"it ended with exit code {status} before the run had ended"


def test_process_has_its_variables_a_session_and_no_connection_of_its_parent(tmp_path: Path) -> None:
    """What it shares with the worker could damage other runs."""
    reading, writing = os.pipe()

    def look() -> None:
        try:
            os.fstat(reading)
            shared = "pipe"
        except OSError:
            shared = "nothing"
        (tmp_path / "seen").write_text(f"{shared} {os.getsid(0) == os.getpid()} {os.environ.get('A')} {os.environ.get('HOME')}")

    process = Process(look, memory=ROOM, environment={"A": "1", "HOME": None})
    process.close()
    os.close(reading)
    os.close(writing)
    assert (tmp_path / "seen").read_text() == "nothing True 1 None"


def test_process_over_its_memory_gets_an_error_and_not_a_kill(tmp_path: Path) -> None:
    """User code can then say what it was doing."""
    now = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line).split()[1]) * 1024

    def allocate() -> None:
        try:
            bytearray(2**29)
        except MemoryError:
            (tmp_path / "seen").write_text("MemoryError")

    assert ended(allocate, memory=now + 2**27) == (True, 0)
    assert (tmp_path / "seen").read_text() == "MemoryError"


@pytest.mark.parametrize(
    ("number", "full", "said", "again"),
    [
        (signal.SIGKILL, False, "it was killed from outside (SIGKILL)", False),
        (signal.SIGKILL, True, "the worker's container needed more memory than WORKER_MEMORY in .env allows", False),
        (signal.SIGBUS, False, "a file in memory was full (SIGBUS): RUN_SHM in .env sets the size of /dev/shm", True),
        (signal.SIGSEGV, False, "it was ended by SIGSEGV", False),
    ],
)
def test_end_by_a_signal_names_its_reason(number: int, full: bool, said: str, again: bool) -> None:
    """A run that would end the same way again is not retried."""
    complete, status = ended(lambda: die_of(number))
    assert not complete
    assert (end(status, out_of_memory=full).said, end(status, out_of_memory=full).again) == (said, again)


ORPHANS = """
import os, subprocess, sys, time
from dagster_worker.run_process import Process, adopt_orphans, end_descendants
adopt_orphans()
def leave():
    print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)

process = Process(leave, memory=2**40, environment={})
process.close()
end_descendants()
"""


def test_programs_that_a_run_leaves_behind_are_ended() -> None:
    """They would go on working beside the next runs."""
    done = subprocess.run([sys.executable, "-c", ORPHANS], text=True, capture_output=True, check=True, env=path_of_modules())
    assert not Path(f"/proc/{int(done.stdout)}").exists(), done.stderr


ENDS_WITH_ITS_PARENT = """
import os, sys, time
from dagster_worker.run_process import Process
process = Process(lambda: time.sleep(600), memory=2**40, environment={})
print(process.pid, flush=True)
time.sleep(600)
"""


def test_process_of_a_run_ends_with_the_slot_that_watches_it() -> None:
    """Nobody else would notice that the run is terminated, or was given to another worker."""
    with subprocess.Popen(
        [sys.executable, "-c", ENDS_WITH_ITS_PARENT], text=True, stdout=subprocess.PIPE, env=path_of_modules()
    ) as slot:
        assert slot.stdout
        pid = int(slot.stdout.readline())
        handle = os.pidfd_open(pid)
        slot.kill()
    assert wait_for_end(handle), "it still runs"


def wait_for_end(handle: int) -> bool:
    """Returns whether a process ends within ten seconds."""
    import select

    return bool(select.select([handle], [], [], 10)[0])


def path_of_modules() -> dict[str, str]:
    """Returns the environment of a program that imports the worker."""
    return {**os.environ, "PYTHONPATH": "docker/code_server/src:docker/dagster/src"}


def test_files_of_ended_runs_are_removed_and_others_stay(tmp_path: Path) -> None:
    """Files of the worker itself are older than its mark, and those of active runs younger than their start."""
    shared, runs = tmp_path / "tmp", tmp_path / "tmp/runs"
    (shared / "worker").mkdir(parents=True)
    (shared / "worker/cache").write_text("x")
    mark(runs)
    tick()
    (shared / "worker/left").write_text("x")
    (shared / "folder/deep").mkdir(parents=True)
    (shared / "folder/deep/left").write_text("x")
    tick()
    (runs / "17").mkdir()
    (runs / "17.started").touch()
    tick()
    (shared / "in_use").write_text("x")
    # It changes the time of its folder.
    tick()
    (runs / "17/mine").touch()
    remove_left([shared], runs)
    assert sorted(str(path.relative_to(shared)) for path in shared.rglob("*")) == [
        "in_use", "runs", "runs.ready", "runs/17", "runs/17.started", "runs/17/mine", "worker", "worker/cache"
    ]  # fmt: skip
    (runs / "17.started").unlink()
    tick()
    remove_left([shared], runs)
    assert not (shared / "in_use").exists()


def tick() -> None:
    """Waits until files get another time."""
    before = time.time_ns()
    probe = Path(f"/tmp/tick.{os.getpid()}")  # noqa: S108 - a probe
    while probe.touch() or probe.stat().st_ctime_ns <= before:
        pass
    probe.unlink()


def test_worker_removes_what_killed_runs_have_not_sent(tmp_path: Path) -> None:
    """Nobody sends it any more. A file that grows belongs to a run."""
    (tmp_path / "run/compute_logs").mkdir(parents=True)
    (tmp_path / "run/compute_logs/step.out").touch()
    remove_unsent(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.out")] == ["step.out"]
    remove_unsent(tmp_path, seconds=0)
    assert list(tmp_path.iterdir()) == []
    remove_unsent(tmp_path / "missing")
