"""Removes snapshots of jobs and of execution plans that no run names any more."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from dagster_services.maintenance.parts import Removed

if TYPE_CHECKING:
    import psycopg2.extensions

# A run's row names its job's snapshot, and its body that of its execution plan.
NAMED = """SELECT snapshot_id FROM runs WHERE snapshot_id IS NOT NULL
    UNION SELECT (regexp_match(run_body, '"execution_plan_snapshot_id": "([0-9a-f]+)"'))[1] FROM runs"""
JOBS = "SELECT snapshot_body FROM snapshots WHERE snapshot_type = 'PIPELINE' AND snapshot_id = ANY(%s)"
# A job that is a part of another one names that one's snapshot.
PARENT = re.compile(rb'"parent_snapshot_id": "([0-9a-f]+)"')
SIZE = "count(*), coalesce(sum(octet_length(snapshot_body)), 0)"
# The newest one may belong to a run that is being made at this moment: its row comes after its snapshots.
UNNAMED = "NOT (snapshot_id = ANY(%(named)s)) AND id <= %(until)s"
COUNT = f"SELECT {SIZE} FROM snapshots WHERE {UNNAMED}"
DELETE = f"WITH gone AS (DELETE FROM snapshots WHERE {UNNAMED} RETURNING snapshot_body) SELECT {SIZE} FROM gone"


def remove_unnamed(connection: psycopg2.extensions.connection, *, counts_only: bool) -> Removed:
    """Removes the snapshots, and returns their number and size.

    A run that begins to use an unnamed snapshot within the same milliseconds fails: it has to find a job that has not run since
    RETENTION_DAYS, because the newest run of each job stays.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    with connection, connection.cursor() as cursor:
        # Taken before the runs: a snapshot that comes later is not removed.
        cursor.execute("SELECT coalesce(max(id), 0) FROM snapshots")
        [(until,)] = cursor.fetchall()
    with connection, connection.cursor() as cursor:
        cursor.execute(NAMED)
        named = {name for (name,) in cursor.fetchall() if name}
        cursor.execute(JOBS, (list(named),))
        named |= {parent for (body,) in cursor.fetchall() for parent in parents(bytes(body))}
        cursor.execute(COUNT if counts_only else DELETE, {"named": list(named), "until": until})
        [(count, size)] = cursor.fetchall()
    return Removed(count, int(size))


def parents(body: bytes) -> set[str]:
    """The snapshots that a compressed snapshot of a job names."""
    return {found.decode() for found in PARENT.findall(zlib.decompress(body))}
