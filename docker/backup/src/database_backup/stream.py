"""The stream of WAL: pg_receivewal writes it to a folder, from which Barman archives the files that are complete."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from database_backup import live, status, timelines
from database_backup.barman import ENDED, HOME, SERVER, STREAMING, BarmanError, keep_receiving
from database_backup.plan import RETRY

RECEIVE_SECONDS = 20
IDENTITY = HOME / "system_identifier"
FORMER = HOME / "former"
OTHER = "this is another database than the one of the backups: `make restore AT=latest` brings that one back"
GAP = "the stream of WAL begins anew: moments since it ended are lost, and a full backup is due"


def receiving() -> str:
    """Keeps the stream up.

    Raises:
        BarmanError: Postgres does not answer, is another database, or sends no WAL.
    """
    check_identity(live.system_identifier())
    slot = live.slot()
    if slot is None or slot.lost:
        begin_anew(lost=slot is not None)
    keep_receiving()
    wait_until_received()
    return "WAL is being received"


def check_identity(identifier: str, file: Path = IDENTITY) -> None:
    """Remembers the database at first.

    Raises:
        BarmanError: it is another one.
    """
    if not file.exists():
        # The database may have been restored to a moment before there were these backups.
        timelines.begin(live.timeline())
        aside = file.with_suffix(".new")
        aside.write_text(identifier)
        aside.rename(file)
    if file.read_text() != identifier:
        raise BarmanError(OTHER)


def begin_anew(*, lost: bool) -> None:
    """Prepares another stream: pg_receivewal would ask for what follows the last file, and that may be gone."""
    if lost:
        live.drop_slot()
    put_away(STREAMING.glob("*"))
    if "full" in status.read():
        status.note("full", datetime.now(UTC) - 2 * RETRY, error=GAP)


def put_away(files: Iterable[Path], folder: Path = ENDED) -> None:
    """Keeps WAL files outside of the stream. A file that was being received gets the name of a complete one."""
    folder.mkdir(exist_ok=True)
    for file in files:
        file.replace(folder / file.name.removesuffix(".partial"))


def wait_until_received() -> None:
    """Raises `BarmanError` if no WAL is received soon."""
    deadline = time.monotonic() + RECEIVE_SECONDS
    while not ((slot := live.slot()) and slot.active):
        if time.monotonic() > deadline:
            raise BarmanError("no WAL is received: the log has the error of pg_receivewal")
        time.sleep(0.5)


def put_aside(now: datetime) -> None:
    """Puts all backups aside: those that follow are of another database."""
    target = FORMER / f"{now:%Y%m%dT%H%M%SZ}"
    target.mkdir(parents=True)
    for each in (HOME / SERVER, ENDED, IDENTITY, status.FILE, timelines.FILE):
        if each.exists():
            each.rename(target / each.name)


def forget(days: int, now: datetime) -> None:
    """Removes what is older than the window: backups of former databases, and WAL that was put away."""
    oldest = now - timedelta(days=days)
    for folder in FORMER.glob("*"):
        if datetime.strptime(folder.name, "%Y%m%dT%H%M%S%z") < oldest:
            shutil.rmtree(folder)
    for file in ENDED.glob("*"):
        if not file.name.endswith(".history") and datetime.fromtimestamp(file.stat().st_mtime, UTC) < oldest:
            file.unlink()
