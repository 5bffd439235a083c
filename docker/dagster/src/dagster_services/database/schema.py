"""Migrates Dagster's tables to the version of this image.

`dagster instance migrate` takes 3.5 s of CPU to find nothing to do, and everything else waits for it at each start. So a comment
on Alembic's table says which version of Dagster has migrated which revision. A dump holds the comment, too.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from dagster_services.database.session import rows

if TYPE_CHECKING:
    import psycopg2.extensions

# Dagster makes the table.
TABLE = "alembic_version"
DONE = "SELECT obj_description(to_regclass(%s), 'pg_class')"


def migrate(connection: psycopg2.extensions.connection) -> None:
    """Runs `dagster instance migrate`, unless this version has done so, and the tables have the same revision as then.

    Raises:
        Exception: `dagster instance migrate` failed.
        psycopg2.Error: the database refuses a statement.
    """
    ((done,),) = rows(connection, DONE, TABLE)
    if done and done == state(connection):
        return
    from dagster._cli import cli as dagster  # noqa: PLC0415 - only if needed: it takes most of that time

    dagster(["instance", "migrate"], standalone_mode=False)
    done = state(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE {TABLE} IS %s", [done])


def state(connection: psycopg2.extensions.connection) -> str:
    """This version of Dagster, and the revision of the tables, in words."""
    revisions = sorted(revision for (revision,) in rows(connection, f"SELECT version_num FROM {TABLE}"))  # noqa: S608 - a constant
    return f"migrated by Dagster {version('dagster')}, revision {' '.join(revisions)}"
