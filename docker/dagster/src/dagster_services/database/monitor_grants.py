"""The rights of the role `dagster_monitor`: it reads Dagster's tables and Postgres' statistics, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.sql import Identifier

from dagster_services.database.run_grants import reading

if TYPE_CHECKING:
    import psycopg2.extensions

ROLE = Identifier("dagster_monitor")


def grant(connection: psycopg2.extensions.connection) -> None:
    """Grants exactly these rights, in one transaction.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("GRANT CONNECT ON DATABASE dagster TO dagster_monitor")
        for statement in reading(connection, ROLE):
            cursor.execute(statement)
