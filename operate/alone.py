"""Lets one verb at a time change the deployment: verbs write the same files."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from dagster_api.waiting import WaitError, seen, wait_for
from operate.compose import ROOT, CommandError

LOCK = ROOT / ".releases/lock"
# A backup at night must not fail because of a deployment, and a first start takes minutes.
WAIT_SECONDS = 900
OTHER = "another verb, such as `make up` or `make restore`, is in progress"


@contextmanager
def alone() -> Iterator[None]:
    """Waits until no other verb is in progress.

    Raises:
        CommandError: another one does not end.
    """
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as file:
        if not _locked(file):
            print(f"{OTHER}: waiting for its end", file=sys.stderr)
            _wait(file)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(file: IO[str]) -> None:
    try:
        wait_for("its end", lambda: seen(_locked(file), OTHER), seconds=WAIT_SECONDS)
    except WaitError:
        raise CommandError(f"{OTHER}, and has not ended for {WAIT_SECONDS} s: type the command again") from None
