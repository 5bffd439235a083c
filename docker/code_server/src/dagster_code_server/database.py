"""Asks whether a role can use a database of Postgres."""

import select
import time
from collections.abc import Mapping

import psycopg2
import psycopg2.extensions


def of_dagster(environ: Mapping[str, str]) -> tuple[str, str, str, str]:
    """The role, the database, the host and the port of Dagster's own database."""
    role, database, host, port = (environ[f"DAGSTER_POSTGRES_{name}"] for name in ("USER", "DB", "HOST", "PORT"))
    return role, database, host, port


def refusal(role: str, database: str, host: str, port: str) -> str | None:
    """The reason why a query fails, or None. The pool accepts known roles itself, so only a query reaches Postgres."""
    try:
        connection = psycopg2.connect(host=host, port=port, user=role, dbname=database, connect_timeout=2)
        connection.cursor().execute("SELECT 1")
        connection.close()
    except psycopg2.Error as error:
        return " ".join(str(error).split())
    return None


def status_of_run(environ: Mapping[str, str], run_id: str, seconds: float = 3) -> str | None:
    """The status of a run in Dagster's database, or None if the database does not answer within `seconds`."""
    role, database, host, port = of_dagster(environ)
    deadline = time.monotonic() + seconds
    try:
        # Asynchronous, because a server that hangs would block a synchronous call for ever.
        connection = psycopg2.connect(host=host, port=port, user=role, dbname=database, async_=True)
        try:
            _wait(connection, deadline)
            cursor = connection.cursor()
            cursor.execute("SELECT status FROM runs WHERE run_id = %s", (run_id,))
            _wait(connection, deadline)
            row = cursor.fetchone()
        finally:
            connection.close()
    except (psycopg2.Error, TimeoutError):
        return None
    return str(row[0]) if row else "deleted"


def _wait(connection: psycopg2.extensions.connection, deadline: float) -> None:
    """Waits until an asynchronous connection is ready.

    Raises:
        TimeoutError: it is not ready at the deadline.
    """
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        reading = [connection] if state == psycopg2.extensions.POLL_READ else []
        writing = [] if reading else [connection]
        if not any(select.select(reading, writing, [], max(0, deadline - time.monotonic()))):
            raise TimeoutError
