"""Removes rows in small transactions, with pauses: runs and pages must not notice it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dagster_services.maintenance.sweeps import Sweep

if TYPE_CHECKING:
    import psycopg2.extensions

# The rows of a part: the first one is small, and the next ones grow until a part takes LOCK_SECONDS, which is how long it
# holds locks. 5,000 runs with their tags and events took 0.9 s on a busy machine.
FIRST_ROWS, MOST_ROWS = 250, 5_000
LOCK_SECONDS = 0.05
# A part with old rows is followed by a pause so many times as long, for the runs beside it.
REST = 3


@dataclass(frozen=True)
class Removed:
    """Rows or files, and the bytes of their content."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: Removed) -> Removed:
        """Returns the sum."""
        return Removed(self.count + other.count, self.bytes + other.bytes)


def window(sweep: Sweep) -> str:
    """The statement that finds the next part of a table: its last id, its number of rows, and whether a row is old."""
    beyond, order = ("<", "DESC") if sweep.newest_first else (">", "ASC")
    last = "min" if sweep.newest_first else "max"
    return f"""SELECT {last}(id), count(*), coalesce(bool_or({sweep.age} < %(before)s), false) FROM (SELECT id, {sweep.age}
        FROM {sweep.table} WHERE id {beyond} %(after)s ORDER BY id {order} LIMIT %(rows)s) AS part"""


def removal(sweep: Sweep, *, counts_only: bool) -> str:
    """The statement that removes or counts the rows of a part."""
    between = "x.id < %(after)s AND x.id >= %(until)s" if sweep.newest_first else "x.id > %(after)s AND x.id <= %(until)s"
    where = f"FROM {sweep.table} AS x WHERE {between} AND {sweep.rule}"
    row = f"x.id, {sweep.size} AS size, {sweep.keys or 'NULL'} AS key"
    gone = f"SELECT {row} {where}" if counts_only else f"DELETE {where} RETURNING {row}"
    also = () if counts_only else sweep.also
    more = "".join(f", also_{number} AS ({statement})" for number, statement in enumerate(also))
    return f"WITH gone AS MATERIALIZED ({gone}){more} SELECT count(*), coalesce(sum(size), 0) FROM gone"


def next_rows(rows: int, seconds: float) -> int:
    """The rows of the next part, from those of the last one and the time that it took."""
    if seconds > LOCK_SECONDS:
        return max(rows // 2, 1)
    return min(2 * rows, MOST_ROWS) if seconds < LOCK_SECONDS / 4 else rows


def sweep_all(connection: psycopg2.extensions.connection, sweep: Sweep, before: datetime, *, counts_only: bool) -> Removed:
    """Removes or counts all rows that a sweep names; returns how many.

    A row that another one names goes only after that one, so the sweep is repeated until it finds none.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    total = Removed()
    while (found := sum(parts(connection, sweep, before, counts_only=counts_only), Removed())).count:
        total += found
        if counts_only or not sweep.chained:
            break
    return total


def parts(connection: psycopg2.extensions.connection, sweep: Sweep, before: datetime, *, counts_only: bool) -> Iterator[Removed]:
    """Removes the rows that a sweep names, a transaction for each part; yields what each has removed.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    if sweep.prepare:
        with connection, connection.cursor() as cursor:
            cursor.execute(sweep.prepare)
    after, rows = 2**62 if sweep.newest_first else 0, FIRST_ROWS
    is_over = False
    while not is_over:
        began = time.monotonic()
        with connection, connection.cursor() as cursor:
            cursor.execute(window(sweep), {"after": after, "before": before, "rows": rows})
            [(until, found, has_old)] = cursor.fetchall()
            # From the newest row on, the first parts are young.
            is_over = found < rows or not (has_old or sweep.newest_first)
            removed = Removed()
            if has_old:
                cursor.execute(removal(sweep, counts_only=counts_only), {"after": after, "until": until, "before": before})
                [(count, size)] = cursor.fetchall()
                removed = Removed(count, int(size))
        after, seconds = until, time.monotonic() - began
        rows = next_rows(rows, seconds)
        yield removed
        if has_old:
            time.sleep(REST * seconds)
