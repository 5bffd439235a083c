"""Removes snapshots of jobs and of execution plans that no run names any more."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dagster_services.database.session import rows
from dagster_services.maintenance.parts import REST, Removed

if TYPE_CHECKING:
    import psycopg2.extensions

# A run's row names its job's snapshot, and its body that of its execution plan.
NAMED = """SELECT snapshot_id FROM runs WHERE snapshot_id IS NOT NULL
    UNION SELECT (regexp_match(run_body, '"execution_plan_snapshot_id": "([0-9a-f]+)"'))[1] FROM runs"""
BODIES = "SELECT snapshot_body FROM snapshots WHERE snapshot_type = 'PIPELINE' AND snapshot_id = ANY(%s)"
# A job that is a part of another one names that one's snapshot.
PARENT = re.compile(rb'"parent_snapshot_id": "([0-9a-f]+)"')
ALL = "SELECT snapshot_id FROM snapshots"
SIZE = "count(*), coalesce(sum(octet_length(snapshot_body)), 0)"
COUNT = f"SELECT {SIZE} FROM snapshots WHERE snapshot_id = ANY(%s)"
# A run may have begun to use one meanwhile.
DELETE = f"""WITH gone AS (DELETE FROM snapshots AS s WHERE snapshot_id = ANY(%s)
    AND NOT EXISTS (SELECT FROM runs AS r WHERE r.snapshot_id = s.snapshot_id) RETURNING snapshot_body)
    SELECT {SIZE} FROM gone"""
# Bodies of large jobs have megabytes.
PART = 50


def unnamed(connection: psycopg2.extensions.connection) -> list[str]:
    """The snapshots that neither a run names, nor the snapshot of a run's job.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    # Taken before the runs: a snapshot of a run that is being made comes later.
    there = [name for (name,) in rows(connection, ALL)]
    named = {name for (name,) in rows(connection, NAMED) if name}
    for part in divided(sorted(named)):
        named |= {parent for (body,) in rows(connection, BODIES, part) for parent in parents(bytes(body))}
    return sorted(set(there) - named)


def remove_unnamed(connection: psycopg2.extensions.connection, *, counts_only: bool) -> Removed:
    """Removes the snapshots, and returns their number and size.

    A run may begin to use one between the look and the removal. Its job has not run for RETENTION_DAYS then, because the newest
    run of each job stays.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    return sum(_removed(connection, unnamed(connection), COUNT if counts_only else DELETE), Removed())


def _removed(connection: psycopg2.extensions.connection, names: Sequence[str], statement: str) -> Iterator[Removed]:
    for part in divided(names):
        began = time.monotonic()
        [(count, size)] = rows(connection, statement, part)
        yield Removed(count, int(size))
        time.sleep(REST * (time.monotonic() - began))


def divided(names: Sequence[str]) -> Iterator[list[str]]:
    """Yields parts of the names, with PART in each."""
    for start in range(0, len(names), PART):
        yield list(names[start : start + PART])


def parents(body: bytes) -> set[str]:
    """The snapshots that a compressed snapshot of a job names."""
    return {found.decode() for found in PARENT.findall(zlib.decompress(body))}
