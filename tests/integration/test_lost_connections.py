"""Dagster retries a connection that breaks while the webserver opens it, because the error keeps its class."""

from __future__ import annotations

import psycopg2
import pytest
from dagster_postgres import utils

from dagster_services.database.kept_connections import STORAGES
from dagster_services.webserver import lost_connections


@pytest.fixture
def terminated_connection(environment: dict[str, str]) -> psycopg2.extensions.connection:
    """Returns a connection that Postgres has terminated, as at a restart."""
    port = environment["DAGSTER_POSTGRES_PORT"]
    connections = [
        psycopg2.connect(host="127.0.0.1", port=port, user=user, password="local", dbname="dagster")
        for user in ("dagster", "postgres")
    ]
    with connections[1].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (connections[0].info.backend_pid,))
    connections[1].close()
    return connections[0]


def test_set_statement_timeout_raises_operational_error_on_a_lost_connection(
    terminated_connection: psycopg2.extensions.connection,
) -> None:
    """Dagster retries only after this error."""
    with pytest.raises(psycopg2.OperationalError):
        lost_connections.set_statement_timeout(terminated_connection, 1000)


def test_dagster_raises_interface_error_on_a_lost_connection(terminated_connection: psycopg2.extensions.connection) -> None:
    """This deployment can drop its own function once Dagster no longer hides the error."""
    with pytest.raises(psycopg2.InterfaceError, match="connection already closed"):
        utils.set_pg_statement_timeout(terminated_connection, 1000)


def test_statement_timeout_stays_after_a_rollback(environment: dict[str, str]) -> None:
    """Postgres undoes the setting if its transaction is rolled back, so the function commits it."""
    connection = psycopg2.connect(
        host="127.0.0.1", port=environment["DAGSTER_POSTGRES_PORT"], user="dagster", password="local", dbname="dagster"
    )
    lost_connections.set_statement_timeout(connection, 1234)
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("1234ms",)
    connection.close()


def test_every_storage_of_the_webserver_imports_the_function() -> None:
    """Each storage has its own name for the function, so each needs a replacement."""
    assert [hasattr(storage, "set_pg_statement_timeout") for storage in STORAGES] == [True] * 3
