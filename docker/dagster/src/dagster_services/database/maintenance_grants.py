"""The rights of the role `dagster_maintenance`: it reads all, deletes what retention removes, and reports that as an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.sql import SQL, Identifier

from dagster_services.database.run_grants import reading

if TYPE_CHECKING:
    import psycopg2.extensions

ROLE = Identifier("dagster_maintenance")
DELETES = (
    "asset_check_executions",
    "asset_daemon_asset_evaluations",
    "asset_event_tags",
    "backfill_tags",
    "bulk_actions",
    "event_logs",
    "job_ticks",
    "pending_steps",
    "runs",
    "snapshots",
)
# The event of the asset `deployment/maintenance`.
INSERTS = ("asset_event_tags", "asset_keys", "event_logs")
# Each code location sees its own outputs only: output_store.py. This role sees all.
STORE = """
GRANT USAGE ON SCHEMA outputs TO dagster_maintenance;
GRANT SELECT, DELETE ON outputs.part TO dagster_maintenance;
"""
POLICY = "CREATE POLICY maintenance ON outputs.part TO dagster_maintenance USING (true)"
HAS_POLICY = "SELECT FROM pg_policies WHERE schemaname = 'outputs' AND policyname = 'maintenance'"


def grant(connection: psycopg2.extensions.connection) -> None:
    """Grants exactly these rights, in one transaction. The table `outputs.part` must exist.

    Raises:
        psycopg2.Error: the database refuses a statement.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("GRANT CONNECT, TEMPORARY ON DATABASE dagster TO dagster_maintenance")
        for statement in reading(connection, ROLE):
            cursor.execute(statement)
        for right, tables in (("DELETE", DELETES), ("INSERT", INSERTS), ("UPDATE", ("asset_keys",))):
            for name in tables:
                cursor.execute(SQL(f"GRANT {right} ON {{}} TO {{}}").format(Identifier(name), ROLE))
        for name in INSERTS:
            cursor.execute(SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(Identifier(f"{name}_id_seq"), ROLE))
        cursor.execute(STORE)


def let_it_see_outputs(connection: psycopg2.extensions.connection) -> None:
    """Lets the role see the outputs of all code locations, once: the statement locks the table.

    Raises:
        psycopg2.errors.LockNotAvailable: a run holds the table; the next start does it.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(HAS_POLICY)
        if cursor.fetchone() is None:
            cursor.execute(POLICY)
