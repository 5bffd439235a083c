"""Removes op outputs of runs that are gone: `maintenance` has removed them from the database.

The volume belongs to this code location, so its own code server removes them, in a thread beside the server.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import psycopg2

from dagster_code_server.database import of_dagster

# dagster_deployment.io_manager keeps them here.
FOLDER = Path("/var/lib/dagster/op_outputs/outputs/runs")
EVERY_SECONDS = GRACE_SECONDS = 86_400
FOUND = "SELECT run_id FROM runs WHERE run_id = ANY(%s)"


def existing(environ: Mapping[str, str], run_ids: Iterable[str]) -> set[str]:
    """Returns those of the runs that Dagster's database has.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    role, database, host, port = of_dagster(environ)
    with closing(psycopg2.connect(host=host, port=port, user=role, dbname=database, connect_timeout=10)) as connection:
        cursor = connection.cursor()
        cursor.execute(FOUND, (list(run_ids),))
        return {run_id for (run_id,) in cursor.fetchall()}


def remove_gone(environ: Mapping[str, str], folder: Path = FOLDER) -> int:
    """Removes the folders of runs that the database does not have; returns their number. A new run's folder stays.

    Raises:
        OSError: a file cannot be removed.
        psycopg2.Error: the database does not answer.
    """
    until = time.time() - GRACE_SECONDS
    old = {path.name: path for path in folder.glob("*") if not path.is_symlink() and path.stat().st_mtime < until}
    gone = old.keys() - existing(environ, old) if old else set()
    for run_id in gone:
        shutil.rmtree(old[run_id])
    return len(gone)


def remove_each_day(environ: Mapping[str, str]) -> None:
    """Never returns. A failure is printed, and the next day tries again."""
    while True:
        try:
            if number := remove_gone(environ):
                print(f"removed the op outputs of {number} runs that are gone", flush=True)
        except (OSError, psycopg2.Error) as error:
            print(f"op outputs of runs that are gone stay: {error}", file=sys.stderr, flush=True)
        time.sleep(EVERY_SECONDS)


def begin(environ: Mapping[str, str]) -> None:
    """Starts the thread. It ends with the server."""
    threading.Thread(target=remove_each_day, args=(dict(environ),), daemon=True).start()
