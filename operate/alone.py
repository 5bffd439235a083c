"""Lets one verb at a time change the deployment: verbs write the same files."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dagster_api.waiting import WaitError, seen, wait_for
from operate.compose import ROOT, CommandError
from operate.env_file import env_file, settings

# A backup at night must not fail because of a deployment, and a first start takes minutes.
WAIT_SECONDS = 900
OTHER = "another verb, such as `make up` or `make restore`, is in progress"


def lock_file() -> Path:
    """The file with which verbs for the same deployment find each other."""
    project = os.environ.get("COMPOSE_PROJECT_NAME") or settings(env_file()).get("COMPOSE_PROJECT_NAME") or ROOT.name
    return ROOT / ".releases" / f"lock.{project}"


@contextmanager
def alone() -> Iterator[None]:
    """Waits until no other verb is in progress.

    Raises:
        CommandError: another one does not end.
    """
    path = lock_file()
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
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
        # Often: a verb that has come later must not overtake this one.
        wait_for("its end", lambda: seen(_locked(file), OTHER), seconds=WAIT_SECONDS, every=0.25)
    except WaitError:
        raise CommandError(f"{OTHER}, and has not ended for {WAIT_SECONDS} s: type the command again") from None
