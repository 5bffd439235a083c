"""Ctrl-C: every wait ends, and what was changed is restored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Set by somebody who has had enough: every wait ends, and what was changed is restored.
stopping = threading.Event()
# What is restored is not stopped: a thread says here that this is what it does.
restoring = threading.local()


class StoppedError(Exception):
    """Somebody has asked to stop."""


@contextmanager
def unstoppable() -> Iterator[None]:
    """For what has to be done although somebody has asked to stop: undoing changes."""
    restoring.now = True
    try:
        yield
    finally:
        restoring.now = False


def stop_here() -> None:
    """Raises `StoppedError`, if somebody has asked for it and nothing is being restored."""
    if stopping.is_set() and not getattr(restoring, "now", False):
        raise StoppedError("stopped")
