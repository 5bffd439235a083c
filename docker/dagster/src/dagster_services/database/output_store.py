"""The table in which Postgres keeps the outputs of runs, with OUTPUT_STORE=postgres.

Each code location has a role of its own for it, which sees its own rows only. docker/postgres/roles.sh makes the roles, and
their group `outputs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg2.extensions

# The owner, Dagster's own role, reads all rows: the webserver shows the logs of each location. Names are compared byte by byte,
# so that the index finds those with the same beginning.
TABLE = """
CREATE SCHEMA IF NOT EXISTS outputs;
CREATE TABLE IF NOT EXISTS outputs.part (
    key text COLLATE "C", location name DEFAULT current_user, at bigint,
    data bytea NOT NULL, written timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, location, at)
);
GRANT CONNECT ON DATABASE dagster TO outputs;
GRANT USAGE ON SCHEMA outputs TO outputs;
GRANT SELECT, DELETE, INSERT (key, at, data), UPDATE (data) ON outputs.part TO outputs;
"""
# It locks the table, which an idle transaction of a run could prevent for ever. So it runs once only.
WALL = """
ALTER TABLE outputs.part ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON outputs.part USING (location = current_user);
"""
HAS_WALL = """SELECT relrowsecurity AND EXISTS (SELECT FROM pg_policies WHERE schemaname = 'outputs' AND policyname = 'own')
FROM pg_class WHERE oid = 'outputs.part'::regclass"""


def ensure(connection: psycopg2.extensions.connection) -> None:
    """Makes what is missing, in one transaction. It runs at each start.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute(HAS_WALL)
        if cursor.fetchone() != (True,):
            cursor.execute(WALL)
