"""Removes the output of runs that are gone, and old output of ticks: on volumes and in Postgres."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from dagster_services.maintenance.parts import Removed

if TYPE_CHECKING:
    import psycopg2.extensions

# A run's first output may come before its row is visible here.
GRACE = timedelta(days=1)
FOUND = "SELECT run_id FROM runs WHERE run_id = ANY(%s)"
# The run of an output in Postgres: dagster_deployment.log_sending and dagster_deployment.io_manager make the keys.
RUN = r"(regexp_match(key, '^(?:log\n|value\nruns/)([0-9a-f]{8}-[0-9a-f-]{27})[\n/]'))[1]"
RUNS = f"SELECT DISTINCT {RUN} FROM outputs.part WHERE written < %s"
STORED = f"FROM outputs.part WHERE written < %s AND {RUN} = %s"


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
    with connection, connection.cursor() as cursor:
        cursor.execute(FOUND, (list(named),))
        return named - {run_id for (run_id,) in cursor.fetchall()}


def older(paths: Iterable[Path], age: timedelta) -> Iterator[Path]:
    """Yields the paths that have not changed since."""
    until = (datetime.now(UTC) - age).timestamp()
    for path in paths:
        if path.lstat().st_mtime < until:
            yield path


def remove(paths: Iterable[Path], *, counts_only: bool) -> Removed:
    """Removes files and folders; returns the number of files and their size. It follows no link."""
    removed = Removed()
    for path in paths:
        files = [each for each in path.rglob("*") if not is_folder(each)] if is_folder(path) else [path]
        removed += Removed(len(files), sum(file.lstat().st_size for file in files))
        if not counts_only:
            shutil.rmtree(path) if is_folder(path) else path.unlink()
    return removed


def is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def remove_of_gone_runs(connection: psycopg2.extensions.connection, folder: Path, *, counts_only: bool) -> Removed:
    """Removes the folders of runs that are gone.

    Raises:
        OSError: a file cannot be removed.
        psycopg2.Error: the database does not answer.
    """
    old = {path.name: path for path in older(folder.iterdir(), GRACE) if is_run(path.name)}
    return remove([old[run_id] for run_id in sorted(gone(connection, old))], counts_only=counts_only)


def remove_of_old_ticks(folder: Path, age: timedelta, *, counts_only: bool) -> Removed:
    """Removes old files that belong to no run: what schedules and sensors have logged.

    Raises:
        OSError: a file cannot be removed.
    """
    others = (path for path in folder.iterdir() if path.is_dir() and not is_run(path.name))
    files = (file for path in others for file in path.rglob("*") if file.is_file() or file.is_symlink())
    return remove(list(older(files, age)), counts_only=counts_only)


def remove_stored(connection: psycopg2.extensions.connection, *, counts_only: bool) -> Removed:
    """Removes the outputs in Postgres of runs that are gone.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    until = datetime.now(UTC) - GRACE
    with connection, connection.cursor() as cursor:
        cursor.execute(RUNS, (until,))
        names = [name for (name,) in cursor.fetchall() if name]
    size = "octet_length(data) AS size"
    found = f"SELECT {size} {STORED}" if counts_only else f"DELETE {STORED} RETURNING {size}"
    removed = Removed()
    for run_id in sorted(gone(connection, names)):
        with connection, connection.cursor() as cursor:
            cursor.execute(f"WITH gone AS ({found}) SELECT count(*), coalesce(sum(size), 0) FROM gone", (until, run_id))
            [(count, size_of_run)] = cursor.fetchall()
        removed += Removed(count, int(size_of_run))
    return removed
