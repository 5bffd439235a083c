"""The process of a run: a fork that shares nothing with the worker from then on."""

from __future__ import annotations

import atexit
import ctypes
import gc
import mmap
import os
import resource
import signal
import stat
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import process as python_process
from pathlib import Path
from typing import Any

from dagster_deployment.collecting import RUN, collect_seldom

# prctl(2): a signal for this process when its parent ends; orphans become children of this process.
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
# If the container runs out of memory, the kernel ends a run rather than the worker: proc(5), oom_score_adj.
OOM_SCORE = "500"
libc = ctypes.CDLL(None, use_errno=True)


class Process:
    """A forked process, and whether it has come to the end of what it was forked for."""

    def __init__(self, act: Callable[[], None], *, memory: int, environment: Mapping[str, str | None]) -> None:
        """Forks; the child calls `act`, with `memory` bytes at most. A variable that is None is removed."""
        self._ended = mmap.mmap(-1, 1)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _become_a_run(act, self._ended, parent, memory, environment)
        self.fd = os.pidfd_open(self.pid)

    @property
    def is_complete(self) -> bool:
        """Whether `act` has returned. User code may end the process with status 0 at any time."""
        return self._ended[0] == 1

    def signal(self, number: int) -> None:
        """Sends a signal; a process that has ended gets none."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def close(self) -> int:
        """Waits for the end; returns the status of waitpid(2)."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self._ended.close()
        return status


def adopt_orphans() -> None:
    """Makes this process the parent of all processes that a run leaves behind: it can end them."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_descendants() -> None:
    """Kills and collects every child of this process, and the children that it inherits by that."""
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def end_strays() -> None:
    """Kills what runs of a killed slot have left: this process inherits it, and it is in another session than the slots."""
    for pid in _children():
        with suppress(ProcessLookupError, ChildProcessError):
            if os.getsid(pid) != os.getsid(0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _children() -> list[int]:
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:  # noqa: PTH123 - called after every run
        return [int(pid) for pid in file.read().split()]


def _become_a_run(
    act: Callable[[], None], ended: mmap.mmap, parent: int, memory: int, environment: Mapping[str, str | None]
) -> None:
    """Never returns."""
    status = 1
    try:
        _separate(parent, memory)
        _set_variables(environment)
        # It remembers the folder of the worker.
        tempfile.tempdir = None
        act()
        ended[0] = 1
        status = 0
        # As at Python's own exit: it ends idle pools, waits for other threads, and calls what user code registered.
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
        atexit._run_exitfuncs()  # noqa: SLF001
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - this process must end here
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _separate(parent: int, memory: int) -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The worker ended before it could be the one whose end counts.
        os._exit(1)
    os.setsid()
    # Those that the worker has registered.
    atexit._clear()  # noqa: SLF001
    _close_connections()
    # Celery's processes ignore Ctrl-C and handle SIGTERM; Dagster sets handlers of its own.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Celery's processes are daemonic: they may have no children. Theirs is also the key of multiprocessing's connections.
    config: dict[str, Any] = python_process.current_process()._config  # type: ignore[attr-defined]  # noqa: SLF001
    key = python_process.AuthenticationString(os.urandom(32))  # type: ignore[attr-defined]
    config |= {"daemon": False, "authkey": key}
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - on the way of every run
        file.write(OOM_SCORE)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    collect_seldom(RUN)
    gc.enable()


def _set_variables(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _close_connections() -> None:
    """Closes the worker's sockets, pipes and polls. Files stay: the import of user code may have opened them."""
    for link in list(Path("/proc/self/fd").iterdir()):
        if (descriptor := int(link.name)) > 2:  # noqa: PLR2004 - standard error
            with suppress(OSError):
                mode = os.fstat(descriptor).st_mode
                # Polls and the like have no type.
                if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode) or not stat.S_IFMT(mode):
                    os.close(descriptor)
