"""Removes the output of runs that are gone or old, and old output of ticks: on volumes and in Postgres."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from dagster_services.database.session import rows
from dagster_services.maintenance.parts import REST, Removed
from dagster_services.maintenance.sweeps import ENDED

if TYPE_CHECKING:
    import psycopg2.extensions

# A run's first output may come before its row is visible here.
GRACE = timedelta(days=1)
FOUND = "SELECT run_id FROM runs WHERE run_id = ANY(%s)"
YOUNG = f"{FOUND} AND NOT {ENDED.format('runs')}".replace("%(before)s", "%s")
# The run of an output in Postgres: dagster_deployment.log_sending and dagster_deployment.io_manager make the keys.
RUN = r"(regexp_match(key, '^(?:log\n|value\nruns/)([0-9a-f]{8}-[0-9a-f-]{27})[\n/]'))[1]"
RUNS = f"SELECT DISTINCT {RUN} FROM outputs.part WHERE written < %s"
# What begins with a text, for the index of the keys: the end of the range is the next character.
LOGS, VALUES = ("log\n{}\n", "log\n{}\x0b"), ("value\nruns/{}/", "value\nruns/{}0")
STORED = "FROM outputs.part WHERE key >= %s AND key < %s AND written < %s"


def is_run(name: str) -> bool:
    """Whether a folder has the name of a run: its id."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def gone(connection: psycopg2.extensions.connection, run_ids: Iterable[str]) -> set[str]:
    """Returns those of the runs that the database does not have.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    named = set(run_ids)
    return named - {run_id for (run_id,) in rows(connection, FOUND, list(named))}


def without_logs(connection: psycopg2.extensions.connection, run_ids: Iterable[str], age: timedelta) -> set[str]:
    """Returns those of the runs that are gone, or ended so long ago that the events that name their logs are gone.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    named, before = set(run_ids), (datetime.now(UTC) - age).replace(tzinfo=None)
    return named - {run_id for (run_id,) in rows(connection, YOUNG, list(named), before)}


def older(paths: Iterable[Path], age: timedelta) -> Iterator[Path]:
    """Yields the paths that have not changed since. One that vanishes meanwhile is none."""
    until = (datetime.now(UTC) - age).timestamp()
    for path in paths:
        try:
            if path.lstat().st_mtime < until:
                yield path
        except FileNotFoundError:
            continue


def remove(paths: Iterable[Path], *, counts_only: bool) -> Removed:
    """Removes files and folders; returns the number of files and their size. It follows no link.

    Raises:
        OSError: one or more cannot be removed: user code may have taken the right to do so. All others are.
    """
    removed, kept = Removed(), []
    for path in paths:
        try:
            removed += _removed(path, counts_only=counts_only)
        except FileNotFoundError:
            continue
        except OSError as error:
            kept.append(str(error))
    if kept:
        raise OSError(f"{len(kept)} cannot be removed, the first one: {kept[0]}")
    return removed


def _removed(path: Path, *, counts_only: bool) -> Removed:
    files = [each for each in path.rglob("*") if not is_folder(each)] if is_folder(path) else [path]
    found = Removed(len(files), sum(file.lstat().st_size for file in files))
    if not counts_only:
        shutil.rmtree(path) if is_folder(path) else path.unlink()
    return found


def is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def remove_of_runs(connection: psycopg2.extensions.connection, folder: Path, age: timedelta, *, counts_only: bool) -> Removed:
    """Removes the logs of runs that are gone or old.

    Raises:
        OSError: a file cannot be removed.
        psycopg2.Error: the database does not answer.
    """
    old = {path.name: path for path in older(folder.iterdir(), GRACE) if is_run(path.name)}
    return remove([old[run_id] for run_id in sorted(without_logs(connection, old, age))], counts_only=counts_only)


def remove_of_old_ticks(folder: Path, age: timedelta, *, counts_only: bool) -> Removed:
    """Removes old files that belong to no run: what schedules and sensors have logged.

    Raises:
        OSError: a file cannot be removed.
    """
    others = (path for path in folder.iterdir() if is_folder(path) and not is_run(path.name))
    files = (file for path in others for file in path.rglob("*") if not is_folder(file))
    return remove(list(older(files, age)), counts_only=counts_only)


def remove_stored(connection: psycopg2.extensions.connection, age: timedelta, *, counts_only: bool) -> Removed:
    """Removes the outputs in Postgres of runs that are gone, and the logs of old ones.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    until = datetime.now(UTC) - GRACE
    named = [run_id for (run_id,) in rows(connection, RUNS, until) if run_id]
    silent, lost = without_logs(connection, named, age), gone(connection, named)
    ranges = [(LOGS, run_id) for run_id in sorted(silent)] + [(VALUES, run_id) for run_id in sorted(lost)]
    bounds = [(first.format(run_id), end.format(run_id)) for (first, end), run_id in ranges]
    return sum((_removed_between(connection, *each, until, counts_only=counts_only) for each in bounds), Removed())


def _removed_between(
    connection: psycopg2.extensions.connection, first: str, end: str, until: datetime, *, counts_only: bool
) -> Removed:
    began, size = time.monotonic(), "octet_length(data) AS size"
    found = f"SELECT {size} {STORED}" if counts_only else f"DELETE {STORED} RETURNING {size}"
    counted = f"WITH gone AS ({found}) SELECT count(*), coalesce(sum(size), 0) FROM gone"
    [(count, size_of_run)] = rows(connection, counted, first, end, until)
    time.sleep(REST * (time.monotonic() - began))
    return Removed(count, int(size_of_run))
