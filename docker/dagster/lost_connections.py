"""Lets the webserver try again where Postgres is starting again.

Dagster tries a connection six times, but not after an InterfaceError. It makes one of every connection that breaks while it
sets the statement time-out: it rolls back on what is closed. After a crash of Postgres, the first answer was an error then.
"""

from __future__ import annotations

from typing import Any

from dagster_deployment.mending import replace
from dagster_postgres.event_log import event_log
from dagster_postgres.run_storage import run_storage
from dagster_postgres.schedule_storage import schedule_storage

STORAGES: tuple[Any, ...] = (event_log, run_storage, schedule_storage)


def set_statement_timeout(connection: Any, millis: int) -> None:
    """Sets the time-out of a new connection.

    Raises:
        psycopg2.OperationalError: the connection broke.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = %s", (millis,))
    connection.commit()


def tell_lost_connections() -> None:
    """For all of this process."""
    for storage in STORAGES:
        replace(storage, "set_pg_statement_timeout", set_statement_timeout)
