"""What the programs of this package share: their settings, and how their work is kept in the status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from os import environ
from pathlib import Path

from database_backup import status
from database_backup.barman import BarmanError, configure
from database_backup.settings import SettingError, Settings, settings


def configured() -> Settings:
    """Returns the settings, and gives Barman its own. Exits with a sentence if one is wrong."""
    try:
        found = settings()
    except SettingError as error:
        sys.exit(f"backup: {error}")
    configure(found, environ["PG_MAJOR"])
    return found


def attempt(kind: str, work: Callable[[], str], file: Path = status.FILE) -> bool:
    """Does a piece of work, and keeps its outcome in a file. Returns whether it succeeded."""
    said = error = ""
    try:
        said = work()
    except (BarmanError, OSError, ValueError, LookupError) as raised:
        error = str(raised) or type(raised).__name__
    try:
        status.note(kind, datetime.now(UTC), said, error, file)
    except OSError as full:
        print(f"{kind}: {error or said}: its outcome cannot be kept: {full}", file=sys.stderr)
        return False
    return not error
