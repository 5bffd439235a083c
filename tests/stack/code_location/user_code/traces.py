"""A step leaves traces of each kind, and another step looks for them: no run may see those of an earlier one."""

import json
import os
import subprocess
import threading
from pathlib import Path

import dagster as dg

from user_code import places

NAME = "left_behind"
FILES = [Path(folder) / NAME for folder in ("/tmp", "/dev/shm", "/home/dagster", "/home/dagster/.cache")]  # noqa: S108
PROGRAM = ["sleep", "987"]


@dg.op
def leave_traces() -> None:
    """Changes its process, writes files, and starts a process that outlives it."""
    os.environ[NAME] = "1"
    setattr(places, NAME, True)
    for file in FILES:
        file.parent.mkdir(exist_ok=True)
        file.write_text("left")
    subprocess.Popen(PROGRAM, start_new_session=True)
    print(json.dumps({"pid": os.getpid()}))


def running_programs() -> list[str]:
    """Returns the command lines of all processes of this container."""
    files = (folder / "cmdline" for folder in Path("/proc").iterdir() if folder.name.isdecimal())
    return [file.read_text().replace("\0", " ").strip() for file in files if file.exists()]


def open_connections() -> list[str]:
    """Returns the sockets, pipes and polls that this process has open, without Dagster's own: those to its database."""
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sorted(link for link in links if not link.startswith("/"))


@dg.op
def find_traces() -> None:
    """Prints what it finds."""
    print(
        json.dumps(
            {
                "variable": NAME in os.environ,
                "attribute": hasattr(places, NAME),
                "files": [str(file) for file in FILES if file.exists()],
                "program": " ".join(PROGRAM) in running_programs(),
                "threads": [thread.name for thread in threading.enumerate()],
                "connections": open_connections(),
                "worker": sorted(name for name in os.environ if name.startswith(("BROKER", "WORKER"))),
                "pid": os.getpid(),
            }
        )
    )


@dg.job(executor_def=dg.in_process_executor)
def leave_traces_job() -> None:
    """Leaves traces."""
    leave_traces()


@dg.job(executor_def=dg.in_process_executor)
def find_traces_job() -> None:
    """Looks for traces."""
    find_traces()


JOBS = [leave_traces_job, find_traces_job]
