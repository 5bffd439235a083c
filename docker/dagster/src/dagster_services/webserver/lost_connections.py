"""Lets the webserver retry while Postgres restarts.

Dagster tries a connection six times, but not after an InterfaceError. It raises one itself if a connection breaks while it
sets the statement time-out: it rolls back a closed connection. After a crash of Postgres, the first answer was thus an error.
"""

from __future__ import annotations

from typing import Any

from dagster_deployment.mending import replace
from dagster_services.database.kept_connections import STORAGES


def set_statement_timeout(connection: Any, millis: int) -> None:
    """Sets the statement time-out of a new connection.

    Raises:
        psycopg2.OperationalError: the connection broke.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = %s", (millis,))
    connection.commit()


def tell_lost_connections() -> None:
    """Applies the change to this whole process."""
    for storage in STORAGES:
        replace(storage, "set_pg_statement_timeout", set_statement_timeout)
