"""Lets one verb at a time change the deployment: verbs write the same files."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from operate.compose import ROOT, CommandError

LOCK = ROOT / ".releases/lock"


@contextmanager
def alone() -> Iterator[None]:
    """Refuses a second verb at the same time.

    Raises:
        CommandError: another one is in progress.
    """
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("another verb, such as `make up` or `make restore`, is in progress: wait for its end") from None
        yield
