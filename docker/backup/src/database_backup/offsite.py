"""The service `offsite`: copies backups, WAL and volumes elsewhere, removes copies that are too old, and checks the rest."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from database_backup import repository, status
from database_backup.plan import RETRY, come
from database_backup.settings import SettingError, Settings, number, settings
from database_backup.status import Outcome
from database_backup.work import attempt

# In memory: a restart copies at once.
STATUS = Path("/tmp/offsite.json")  # noqa: S108 - a container of its own
LOOK_SECONDS = 15
MOST_MINUTES = 1440


def interval(environ: Mapping[str, str] = os.environ) -> timedelta:
    """Returns the time between two copies.

    Raises:
        SettingError: it is not allowed.
    """
    return timedelta(minutes=number(environ, "OFFSITE_MINUTES", MOST_MINUTES))


def next_work(outcomes: Mapping[str, Outcome], every: timedelta, kept: Settings, now: datetime) -> str | None:
    """Returns the kind of work that is due: `copy`, `prune`, `check` or none."""
    copied = outcomes.get("copy")
    if copied is None or now - copied.tried >= (min(RETRY, every) if copied.error else every):
        return "copy"
    if copied.good is None:
        return None
    for kind, cron in (("prune", kept.full), ("check", kept.drill)):
        last = outcomes.get(kind, Outcome(copied.good, None)).tried
        if come(cron, last, now):
            return kind
    return None


def main() -> None:
    """Looks until it is told to end."""
    try:
        kept, every = settings(), interval()
    except SettingError as error:
        sys.exit(f"offsite: {error}")
    repository.read_credentials()
    ending = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ending.set())
    work: dict[str, Callable[[], str]] = {
        "copy": repository.copy,
        "prune": partial(repository.prune, kept.keep_days),
        "check": repository.check,
    }
    while not ending.is_set():
        if kind := next_work(status.read(STATUS), every, kept, datetime.now(UTC)):
            attempt(kind, work[kind], STATUS)
        ending.wait(LOOK_SECONDS)


if __name__ == "__main__":
    main()
