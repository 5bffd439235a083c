"""Stops processes and single threads of containers, from outside."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.stack.conftest import Stack
from tests.stack.test_faults import container_state

# From sys/ptrace.h and sys/wait.h.
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000


def main_process(stack: Stack, service: str) -> int:
    """Returns the process id, on this machine, of the service itself: the child of the container's init."""
    init = container_state(stack, service)["Pid"]
    return int(Path(f"/proc/{init}/task/{init}/children").read_text().split()[0])


def stop(stack: Stack, service: str) -> None:
    """Stops the service's main process with SIGSTOP, as a debugger or a kernel fault may."""
    os.kill(main_process(stack, service), signal.SIGSTOP)


def stop_thread(stack: Stack, service: str, number: int) -> None:
    """Stops one thread of the service as a deadlock does: no signal stops a single thread, so a debugger's call does.

    It lasts as long as the calling thread lives, or until the process is killed.
    """
    threads = sorted(int(path.name) for path in Path(f"/proc/{main_process(stack, service)}/task").iterdir())
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        assert library.ptrace(request, threads[number], None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(threads[number], WALL)


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
