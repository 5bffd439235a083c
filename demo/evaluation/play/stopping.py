"""Ctrl-C ends every wait and restores all changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The exit status of a shell after SIGINT.
STOPPED = 130
# Ctrl-C sets it: every wait ends, and all changes are restored.
stopping = threading.Event()
# A thread sets `now` here while it restores changes: nothing stops it then.
restoring = threading.local()


class StoppedError(Exception):
    """The user asked to stop."""


@contextmanager
def unstoppable() -> Iterator[None]:
    """Lets its block undo changes, although the user asked to stop."""
    restoring.now = True
    try:
        yield
    finally:
        restoring.now = False


def stop_here() -> None:
    """Raises `StoppedError` if the user asked to stop and this thread restores nothing."""
    if stopping.is_set() and not getattr(restoring, "now", False):
        raise StoppedError("stopped")
