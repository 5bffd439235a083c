"""One maintenance: removes all that the rules name, says how much that was, and reports it to Dagster.

`--count` changes nothing, and counts. A maintenance that is killed half-way leaves the rest to the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg2
import psycopg2.extensions
from docker.errors import DockerException

from dagster_services.database.session import connected, rows
from dagster_services.maintenance import containers, files, snapshots
from dagster_services.maintenance.parts import Removed, sweep_all
from dagster_services.maintenance.settings import SettingError, Settings
from dagster_services.maintenance.sweeps import SWEEPS

COMPUTE_LOGS = Path("/var/lib/dagster/compute_logs")
# The health check prints the second one, which holds the reason why the last maintenance failed.
LOCK, FAILED = Path("/tmp/maintenance.lock"), Path("/tmp/failed")  # noqa: S108 - a container of its own
MEGABYTE = 10**6
Work = Callable[[], Removed]


def work(
    connection: psycopg2.extensions.connection, kept: Settings, environ: Mapping[str, str], *, counts_only: bool
) -> Iterator[tuple[str, Work]]:
    """Yields what is to be done, in its order: files follow the runs that they belong to."""
    before = (datetime.now(UTC) - kept.age).replace(tzinfo=None)
    for sweep in SWEEPS:
        yield sweep.table, partial(sweep_all, connection, sweep, before, counts_only=counts_only)
    yield "snapshots", partial(snapshots.remove_unnamed, connection, counts_only=counts_only)
    yield "stored_outputs", partial(files.remove_stored, connection, kept.age, counts_only=counts_only)
    yield "run_logs", partial(files.remove_of_runs, connection, COMPUTE_LOGS, kept.age, counts_only=counts_only)
    yield "tick_logs", partial(files.remove_of_old_ticks, COMPUTE_LOGS, kept.age, counts_only=counts_only)
    if environ.get("DOCKER_HOST"):
        yield "containers", partial(containers.remove_ended, counts_only=counts_only)


def done(todo: Iterator[tuple[str, Work]]) -> tuple[dict[str, Removed], list[str]]:
    """Does the work. Returns what each part has removed, and a sentence for each that failed: the others go on."""
    figures, errors = {}, []
    for name, act in todo:
        try:
            figures[name] = act()
        except (psycopg2.Error, OSError, DockerException) as error:
            errors.append(f"{name}: {' '.join(str(error).split())}")
    return figures, errors


def sentence(figures: Mapping[str, Removed], *, counts_only: bool) -> str:
    """Says what was removed."""
    found = [f"{each.count:,} of {name} ({each.bytes / MEGABYTE:,.1f} MB)" for name, each in figures.items() if each.count]
    verb = "would remove" if counts_only else "removed"
    return f"{verb} {', '.join(found)}" if found else f"{verb} nothing"


def size(connection: psycopg2.extensions.connection) -> int:
    """The size of Dagster's database in bytes: `make doctor` shows how it grows."""
    [(found,)] = rows(connection, "SELECT pg_database_size(current_database())")
    return int(found)


def report(figures: Mapping[str, Removed], seconds: float, database: int, said: str, error: str) -> str:
    """Reports to Dagster, in a process whose memory is free again afterwards; returns the reason if that failed."""
    each_one = {name: asdict(each) for name, each in figures.items()}
    given = {"figures": each_one, "seconds": seconds, "database": database, "said": said, "error": error}
    command = [sys.executable, "-m", "dagster_services.maintenance.report"]
    ended = subprocess.run(command, input=json.dumps(given), text=True, capture_output=True, check=False)
    return "" if ended.returncode == 0 else f"the report to Dagster failed: {ended.stderr.strip()[-500:]}"


def maintain(kept: Settings, environ: Mapping[str, str], *, counts_only: bool) -> list[str]:
    """Does one maintenance, and prints a sentence. Returns a sentence for each part that failed.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    began = time.monotonic()
    with closing(connected(environ)) as connection:
        figures, errors = done(work(connection, kept, environ, counts_only=counts_only))
        database = size(connection)
    seconds = round(time.monotonic() - began, 1)
    said = sentence(figures, counts_only=counts_only)
    print(f"maintenance: {said} in {seconds} s", flush=True)
    if not counts_only and (failed := report(figures, seconds, database, said, "; ".join(errors))):
        errors.append(failed)
    return errors


def attempt(*, counts_only: bool) -> None:
    """Does one maintenance, and keeps the reason if a part of it failed, until one succeeds.

    Raises:
        SystemExit: a part of it failed.
    """
    try:
        errors = maintain(Settings.from_environment(os.environ), os.environ, counts_only=counts_only)
    except (SettingError, psycopg2.Error) as error:
        errors = [" ".join(str(error).split())]
    said = f"maintenance: {'; '.join(errors)}"
    if errors and not counts_only:
        FAILED.write_text(said)
    if errors:
        sys.exit(said)
    if not counts_only:
        FAILED.unlink(missing_ok=True)


def main() -> None:
    """Does nothing if another maintenance goes on."""
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("maintenance: another one goes on", flush=True)
            return
        attempt(counts_only="--count" in sys.argv[1:])


if __name__ == "__main__":
    main()
