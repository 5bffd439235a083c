"""The service `backup`: receives WAL all the time, makes base backups, tries them, and removes those that are too old."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from database_backup import drill, status, stream, timelines
from database_backup.barman import HOME, SERVER, BarmanError, backups, barman, remove_broken, switch_wal
from database_backup.plan import next_work
from database_backup.settings import Settings
from database_backup.work import attempt, configured

LOOK_SECONDS = 30
# The folders of a drill, and of an incremental backup that is put together.
SCRATCH = (drill.SCRATCH, HOME / "staging")


def base_backup(*options: str) -> str:
    """Makes a base backup, and waits for the WAL that makes it whole; returns a sentence about it.

    Raises:
        BarmanError: it failed, or is not whole.
    """
    remove_broken()
    before = {each.name for each in backups()}
    if not before:
        # Barman makes none before it has archived WAL.
        switch_wal()
    barman("backup", *options, SERVER)
    switch_wal()
    barman("check-backup", SERVER, "latest")
    made = [each.name for each in backups() if each.name not in before]
    if not made:
        raise BarmanError("a backup was made, and the WAL that makes it whole has not arrived")
    return f"{made[-1]} is whole"


WORK: Mapping[str, Callable[[], str]] = {
    "full": base_backup,
    "incremental": lambda: base_backup("--incremental", "last-full"),
    "drill": drill.rehearse,
}


def look(kept: Settings, now: datetime, work: threading.Thread | None) -> threading.Thread | None:
    """Keeps WAL coming, and begins what is due; returns the work that is being done. It may take hours."""
    received = attempt("wal", stream.receiving)
    if work is not None and work.is_alive():
        return work
    stream.forget(kept.keep_days, now)
    kind = next_work(status.read(), timelines.read(), kept, now) if received else None
    if kind is None:
        return None
    # It ends with this process. The next one removes what it leaves.
    work = threading.Thread(target=attempt, args=(kind, WORK[kind]), daemon=True)
    work.start()
    return work


def begin() -> str:
    """Removes what an earlier process has left; returns a sentence."""
    for folder in SCRATCH:
        shutil.rmtree(folder, ignore_errors=True)
    remove_broken()
    return "the service has started"


def main() -> None:
    """Looks until it is told to end."""
    kept = configured()
    ending = threading.Event()
    # The second one is the stop signal of Postgres' image.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ending.set())
    attempt("start", begin)
    work = None
    while not ending.is_set():
        work = look(kept, datetime.now(UTC), work)
        ending.wait(LOOK_SECONDS)


if __name__ == "__main__":
    main()
