"""Stops processes and single threads of containers, from outside."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.stack.conftest import Stack
from tests.stack.test_faults import container_state

# From sys/ptrace.h and sys/wait.h.
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000


def children(process: int) -> list[int]:
    """Returns the ids of a process' children."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def command(process: int) -> list[str]:
    """Returns the command line of a process."""
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")


def main_process(stack: Stack, service: str) -> int:
    """Returns the process id, on this machine, of the service itself: the child of the container's init.

    With LOG_FORMAT=json, docker/bin/log_lines is between them, and has a child that formats lines.
    """
    main = children(container_state(stack, service)["Pid"])[0]
    if any(part.endswith("/log_lines") for part in command(main)):
        (main,) = [each for each in children(main) if command(each)[0] != "awk"]
    return main


def stop(stack: Stack, service: str) -> None:
    """Stops the service's main process with SIGSTOP, as a debugger or a kernel fault may."""
    os.kill(main_process(stack, service), signal.SIGSTOP)


def thread(process: int, name: str) -> int:
    """Returns the id, on this machine, of a thread of a Python process. Python's names are in the process's memory only."""
    spy = [str(Path(sys.executable).with_name("py-spy")), "dump", "--json", "--pid", str(process)]
    found = json.loads(subprocess.run(spy, check=True, capture_output=True, text=True).stdout)
    (inside,) = [each["os_thread_id"] for each in found if each["thread_name"] == name]
    tasks = Path(f"/proc/{process}/task").iterdir()
    (number,) = [int(task.name) for task in tasks if f"\t{inside}\n" in _namespaces(task)]
    return number


def _namespaces(task: Path) -> str:
    """Returns the line with the ids of a thread; the last one is that in its container."""
    return next(f"{line}\n" for line in (task / "status").read_text().splitlines() if line.startswith("NSpid:"))


def stop_thread(stack: Stack, service: str, name: str) -> int:
    """Stops one thread of the service as a deadlock does: no signal stops a single thread, so a debugger's call does.

    Returns its id. When the process is killed, the thread stays until `reap` has been called.
    """
    number = thread(main_process(stack, service), name)
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        assert library.ptrace(request, number, None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(number, WALL)
    return number


def reap(number: int) -> None:
    """Takes note of the end of a thread that `stop_thread` has stopped, if it has ended."""
    with suppress(ChildProcessError):
        os.waitpid(number, WALL | os.WNOHANG)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keeps all cores busy with so many processes."""
    ids = [_spinning() for _ in range(processes)]
    try:
        yield
    finally:
        for pid in ids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _spinning() -> Any:
    pid = os.fork()
    if pid == 0:
        while True:
            pass
    return pid
