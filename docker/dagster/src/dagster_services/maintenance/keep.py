"""The service `maintenance`: begins a maintenance when MAINTENANCE_CRON says so (UTC), also one that was missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
from croniter import croniter

from dagster_services.maintenance.settings import SettingError, Settings

LOOK_SECONDS = 30
# The health check reads its age, and the reason of a maintenance that failed.
LOOKED, FAILED = Path("/tmp/looked"), Path("/tmp/failed")  # noqa: S108 - a container of its own
LAST = """SELECT max(timestamp) FROM event_logs
    WHERE asset_key = '["deployment", "maintenance"]' AND dagster_event_type = 'ASSET_MATERIALIZATION'"""
ONCE = [sys.executable, "-m", "dagster_services.maintenance.once"]


def is_due(cron: str, last: datetime, now: datetime) -> bool:
    """Whether a time of the cron expression has come since the last maintenance."""
    found: datetime = croniter(cron, last).get_next(datetime)
    return found <= now


def last_one(now: datetime) -> datetime:
    """The time of the last maintenance; now if there was none, or the database does not answer."""
    environ = os.environ
    host, port, user, name = (environ[f"DAGSTER_POSTGRES_{part}"] for part in ("HOST", "PORT", "USER", "DB"))
    try:
        with closing(psycopg2.connect(host=host, port=port, user=user, dbname=name, connect_timeout=10)) as connection:
            cursor = connection.cursor()
            cursor.execute(LAST)
            [(found,)] = cursor.fetchall()
    except psycopg2.Error as error:
        print(f"maintenance: the last one is unknown: {error}", file=sys.stderr)
        return now
    return found.replace(tzinfo=UTC) if found else now


def begin() -> subprocess.Popen[str]:
    """Starts a maintenance in a process of its own, whose memory is free again afterwards."""
    return subprocess.Popen(ONCE, stderr=subprocess.PIPE, text=True)


def has_ended(process: subprocess.Popen[str]) -> bool:
    """Whether a maintenance has ended. Keeps and prints the reason if it failed."""
    if process.poll() is None:
        return False
    said = process.communicate()[1].strip()
    if process.returncode:
        print(said, file=sys.stderr, flush=True)
        FAILED.write_text(said)
    else:
        FAILED.unlink(missing_ok=True)
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
    last, process = last_one(datetime.now(UTC)), None
    while not ending.is_set():
        LOOKED.touch()
        if process and has_ended(process):
            process = None
        if process is None and is_due(kept.cron, last, now := datetime.now(UTC)):
            last, process = now, begin()
        ending.wait(LOOK_SECONDS)
    if process:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
