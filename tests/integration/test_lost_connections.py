"""Dagster retries a connection that breaks while the webserver opens it, because the error keeps its class."""

from __future__ import annotations

import psycopg2
import pytest
from dagster_postgres import utils

from dagster_services.webserver import lost_connections


@pytest.fixture
def broken(environment: dict[str, str]) -> psycopg2.extensions.connection:
    """Returns a connection that Postgres has ended, as at a restart."""
    port = environment["DAGSTER_POSTGRES_PORT"]
    connections = [
        psycopg2.connect(host="127.0.0.1", port=port, user=user, password="local", dbname="dagster")
        for user in ("dagster", "postgres")
    ]
    with connections[1].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (connections[0].info.backend_pid,))
    connections[1].close()
    return connections[0]


def test_a_connection_that_breaks_is_an_operational_error(broken: psycopg2.extensions.connection) -> None:
    """Dagster retries after this error."""
    with pytest.raises(psycopg2.OperationalError):
        lost_connections.set_statement_timeout(broken, 1000)


def test_dagster_s_own_way_hides_it(broken: psycopg2.extensions.connection) -> None:
    """We can remove our way once Dagster no longer hides the error."""
    with pytest.raises(psycopg2.InterfaceError, match="connection already closed"):
        utils.set_pg_statement_timeout(broken, 1000)


def test_the_time_out_outlives_the_transaction(environment: dict[str, str]) -> None:
    """A rollback would undo it."""
    connection = psycopg2.connect(
        host="127.0.0.1", port=environment["DAGSTER_POSTGRES_PORT"], user="dagster", password="local", dbname="dagster"
    )
    lost_connections.set_statement_timeout(connection, 1234)
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("1234ms",)
    connection.close()


def test_every_storage_of_the_webserver_has_it() -> None:
    """Each storage has its own name for the function."""
    assert [hasattr(storage, "set_pg_statement_timeout") for storage in lost_connections.STORAGES] == [True] * 3
