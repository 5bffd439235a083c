"""The service `maintenance`: begins a maintenance when MAINTENANCE_CRON says so (UTC), also one that was missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
from croniter import croniter

from dagster_services.database.session import connected, rows
from dagster_services.maintenance.settings import SettingError, Settings

LOOK_SECONDS = 30
# The longest measured one took eight minutes. One that lasts longer than this hangs.
MOST = timedelta(hours=6)
# The health check reads its age.
LOOKED = Path("/tmp/looked")  # noqa: S108 - a container of its own
# Without a maintenance, the oldest run is as old as the deployment. Without a run there is nothing to remove.
LAST = """SELECT coalesce((SELECT max(timestamp) FROM event_logs
    WHERE asset_key = '["deployment", "maintenance"]' AND dagster_event_type = 'ASSET_MATERIALIZATION'),
    (SELECT min(create_timestamp) FROM runs), now() AT TIME ZONE 'utc')"""
ONCE = [sys.executable, "-m", "dagster_services.maintenance.once"]


def is_due(cron: str, last: datetime, now: datetime) -> bool:
    """Whether a time of the cron expression has come since the last maintenance."""
    found: datetime = croniter(cron, last).get_next(datetime)
    return found <= now


def last_one() -> datetime | None:
    """The time of the last maintenance; None if the database does not answer."""
    try:
        with closing(connected(os.environ)) as connection:
            [(found,)] = rows(connection, LAST)
    except psycopg2.Error as error:
        print(f"maintenance: the last one is unknown: {error}", file=sys.stderr, flush=True)
        return None
    return found.replace(tzinfo=UTC) if found else None


def is_at_work(process: subprocess.Popen[bytes] | None, begun: datetime, now: datetime) -> bool:
    """Whether a maintenance goes on. Ends one that hangs."""
    if process is None or process.poll() is not None:
        return False
    if now - begun > MOST:
        print(f"maintenance: it is ended after {MOST}", file=sys.stderr, flush=True)
        process.kill()
    return True


def main() -> None:
    """Looks until it is told to end."""
    try:
        kept = Settings.from_environment(os.environ)
    except SettingError as error:
        sys.exit(f"maintenance: {error}")
    ending = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ending.set())
    last, process = None, None
    while not ending.is_set():
        LOOKED.touch()
        now, last = datetime.now(UTC), last or last_one()
        if last and not is_at_work(process, last, now) and is_due(kept.cron, last, now):
            # In a process of its own, whose memory is free again afterwards.
            last, process = now, subprocess.Popen(ONCE)
        ending.wait(LOOK_SECONDS)
    if process and process.poll() is None:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
