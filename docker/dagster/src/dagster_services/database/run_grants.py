"""The rights of the role `dagster_run`, which the code server and its runs use in Dagster's own database.

It may read all tables: user code asks its instance about runs and assets. It cannot change or delete an event, switch a
schedule or sensor, or change a table. It can set the state of another run, because Postgres cannot tell that from the
run's own report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg2.sql import SQL, Composable, Composed, Identifier

if TYPE_CHECKING:
    import psycopg2.extensions

ROLE = Identifier("dagster_run")
# Stands for every column but the id. An id ahead of its sequence would block everybody's events. An id near the end
# of the numbers moves the cursors of daemon and sensors there for good.
ALL = ("*",)
MINE = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner = current_user::regrole"
COLUMNS = """SELECT attname, pg_get_serial_sequence(attrelid::regclass::text, attname)::regclass::text FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""


@dataclass(frozen=True)
class Write:
    """A run's writes to a table: the columns of new rows, the changed columns of old rows, and whether it deletes rows."""

    table: str
    inserts: Sequence[str] = ALL
    updates: Sequence[str] = ()
    deletes: bool = False


ASSET_KEY = ("last_materialization", "last_run_id", "last_materialization_timestamp", "tags", "cached_status_data")
RUN = ("status", "run_body", "partition", "partition_set", "update_timestamp", "start_time", "end_time")
WRITES = (
    # The run's state, its events, its materializations and checks.
    Write("runs", inserts=(), updates=RUN),
    Write("run_tags", updates=("value",)),
    Write("asset_keys", inserts=("asset_key", *ASSET_KEY), updates=ASSET_KEY),
    Write("asset_check_executions", updates=ALL),
    Write("event_logs"),
    Write("asset_event_tags"),
    # Partitions that user code finds, and the concurrency pool slots that a step takes and returns.
    Write("dynamic_partitions", updates=ALL, deletes=True),
    Write("concurrency_slots", updates=ALL, deletes=True),
    Write("pending_steps", updates=ALL, deletes=True),
    Write("concurrency_limits", updates=ALL),
)


def grant(connection: psycopg2.extensions.connection) -> None:
    """Grants runs exactly these rights, in one transaction: an active run never sees a moment without them."""
    with connection, connection.cursor() as cursor:
        cursor.execute("GRANT CONNECT ON DATABASE dagster TO dagster_run")
        for statement in reading(connection):
            cursor.execute(statement)
        for write in WRITES:
            for statement in writing(connection, write):
                cursor.execute(statement)


def reading(connection: psycopg2.extensions.connection, role: Identifier = ROLE) -> Iterator[Composed]:
    """Revokes a role's grants of earlier releases, and lets it read.

    It names Dagster's own tables and sequences: `ON ALL TABLES` failed on a table that somebody else had added.
    """
    for name in names(connection, "r") + names(connection, "S"):
        yield SQL("REVOKE ALL ON {} FROM {}").format(Identifier(name), role)
    for name in names(connection, "r"):
        yield SQL("GRANT SELECT ON {} TO {}").format(Identifier(name), role)


def names(connection: psycopg2.extensions.connection, kind: str) -> list[str]:
    """Dagster's own tables ("r") or sequences ("S")."""
    with connection.cursor() as cursor:
        cursor.execute(f"{MINE} AND relkind = %s", (kind,))
        return [name for (name,) in cursor.fetchall()]


def writing(connection: psycopg2.extensions.connection, write: Write) -> Iterator[Composed]:
    """The grants for a table, and for the sequence of its id."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, (write.table,))
        columns: list[tuple[str, str | None]] = cursor.fetchall()
    rights = list(_rights(write, [name for name, sequence in columns if sequence is None]))
    yield SQL("GRANT {} ON {} TO {}").format(SQL(", ").join(rights), Identifier(write.table), ROLE)
    for sequence in {sequence for _, sequence in columns if sequence and write.inserts}:
        yield SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(Identifier(sequence), ROLE)


def _rights(write: Write, but_ids: Sequence[str]) -> Iterator[Composable]:
    for right, wanted in (("INSERT", write.inserts), ("UPDATE", write.updates)):
        if columns := but_ids if wanted == ALL else wanted:
            yield SQL(right + " ({})").format(SQL(", ").join(map(Identifier, columns)))
    if write.deletes:
        yield SQL("DELETE")
