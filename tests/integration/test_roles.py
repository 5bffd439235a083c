"""The service `roles` undoes the changes of a role to itself, and revokes the rights that Postgres grants to all."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import pytest

from dev.postgres import Server, set_roles
from tests.integration.databases import answers, asking, connected

SETTINGS = {
    "dagster": ["lock_timeout=30s"],
    "dagster_run": ["lock_timeout=30s", "statement_timeout=2min", "temp_file_limit=1GB"],
    "dagster_maintenance": ["lock_timeout=5s", "statement_timeout=10min", "temp_file_limit=1GB"],
    "dagster_monitor": [
        "lock_timeout=5s",
        "statement_timeout=30s",
        "temp_file_limit=100MB",
        "default_transaction_read_only=on",
    ],
    "warehouse": ["lock_timeout=15min", "idle_in_transaction_session_timeout=15min", "temp_file_limit=4GB"],
}
# Each of these roles connects to this database.
HOME = {"dagster_run": "dagster", "warehouse": "warehouse"}


@pytest.fixture
def server(environment: dict[str, str], folder: Path) -> Server:
    return Server(int(environment["DAGSTER_POSTGRES_PORT"]), folder / "postgres")


@pytest.mark.parametrize("role", HOME)
def test_roles_service_resets_the_password_and_settings_of_a_role(migrated: dict, server: Server, role: str) -> None:
    """Postgres lets every role change its own password and settings, so user code could stop the deployment."""
    with asking(migrated, role, HOME[role]) as cursor:
        cursor.execute(f"ALTER ROLE {role} SET search_path = nowhere")
        cursor.execute(f"ALTER ROLE {role} IN DATABASE {HOME[role]} SET default_transaction_read_only = on")
        cursor.execute(f"ALTER ROLE {role} PASSWORD 'mine'")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        connected(migrated, role, HOME[role])
    set_roles(server)
    with asking(migrated, role, HOME[role]) as cursor:
        assert answers(cursor, "SHOW search_path") == ["done"]
        assert cursor.fetchone() == ('"$user", public',)
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("off",)


def test_roles_service_ends_a_session_that_locks_its_own_role(migrated: dict, server: Server) -> None:
    """User code can switch its time-outs off, and must not block the next start."""
    holder = connected(migrated, "warehouse", "warehouse")
    with holder.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 0; BEGIN; ALTER ROLE warehouse PASSWORD 'x'")
    set_roles(server)
    with pytest.raises(psycopg2.OperationalError), holder.cursor() as cursor:
        cursor.execute("SELECT 1")
    with asking(migrated, "warehouse", "warehouse") as cursor:
        assert answers(cursor, "SELECT 1") == ["done"]


def test_roles_service_resets_attributes_memberships_and_owners(migrated: dict, server: Server) -> None:
    """An earlier release or an operator may have left other values."""
    with asking(migrated, "postgres", "warehouse") as cursor:
        cursor.execute("ALTER ROLE dagster_run CREATEDB CONNECTION LIMIT 1 VALID UNTIL '2001-01-01'")
        cursor.execute("GRANT dagster, pg_read_all_data TO dagster_run")
        cursor.execute("ALTER DATABASE warehouse OWNER TO warehouse")
        cursor.execute("ALTER DATABASE warehouse CONNECTION LIMIT 0")
        cursor.execute("ALTER DATABASE warehouse SET search_path = nowhere")
        set_roles(server)
        cursor.execute("SELECT rolname::text, rolconfig FROM pg_roles WHERE rolname = ANY(%s)", (list(SETTINGS),))
        assert dict(cursor.fetchall()) == SETTINGS
        cursor.execute(
            "SELECT rolcreatedb, rolconnlimit, rolvaliduntil = 'infinity',"
            " (SELECT string_agg(roleid::regrole::text, ' ') FROM pg_auth_members WHERE member = r.oid)"
            " FROM pg_roles r WHERE rolname = ANY(%s) ORDER BY rolname = 'dagster_monitor'",
            (list(SETTINGS),),
        )
        assert cursor.fetchall() == [*[(False, -1, True, None)] * (len(SETTINGS) - 1), (False, -1, True, "pg_monitor")]
        cursor.execute(
            "SELECT datname::text, datdba::regrole::text, datconnlimit, (SELECT count(*) FROM pg_db_role_setting"
            " WHERE setdatabase = d.oid AND setconfig::text ~ 'search_path')"
            " FROM pg_database d WHERE datname IN ('dagster', 'warehouse')"
        )
        assert sorted(cursor.fetchall()) == [("dagster", "dagster", -1, 0), ("warehouse", "postgres", -1, 0)]


def test_warehouse_role_cannot_lock_others_out_of_the_warehouse(migrated: dict) -> None:
    """User code owns the objects that it creates there, but not the database."""
    with asking(migrated, "warehouse", "warehouse") as cursor:
        allowed = [
            "CREATE SCHEMA mine",
            "CREATE TABLE mine.t (x int)",
            "CREATE TABLE public.t (x int)",
            "CREATE TEMPORARY TABLE t (x int)",
        ]
        assert answers(cursor, *allowed) == ["done"] * len(allowed)
        denied = [
            "ALTER DATABASE warehouse CONNECTION LIMIT 0",
            "ALTER DATABASE warehouse SET search_path = nowhere",
            "DROP SCHEMA public CASCADE",
            "GRANT warehouse TO dagster_run",
            "ALTER ROLE warehouse CONNECTION LIMIT 1",
            "ALTER ROLE warehouse SET temp_file_limit = -1",
            "SET temp_file_limit = -1",
            "SELECT pg_terminate_backend(1)",
            "SELECT pg_cancel_backend(1)",
        ]
        assert answers(cursor, *denied) == ["42501"] * len(denied)
        assert answers(cursor, "DROP SCHEMA mine CASCADE", "DROP TABLE public.t") == ["done", "done"]


def test_run_role_lacks_the_rights_that_postgres_grants_to_all(migrated: dict) -> None:
    """User code must not reach sessions of other runs, large objects, locks, or other databases."""
    denied = [
        "SELECT pg_terminate_backend(1)",
        "SELECT pg_cancel_backend(1)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock(1, 2)",
        "CREATE TEMPORARY TABLE mine (x int)",
        "CREATE TABLE mine (x int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET temp_file_limit = -1",
        "SET ROLE dagster",
        "SET SESSION AUTHORIZATION dagster",
        "ALTER DATABASE dagster SET search_path = nowhere",
    ]
    with asking(migrated, "dagster_run", "dagster") as cursor:
        assert answers(cursor, *denied) == ["42501"] * len(denied)
    for database in ("warehouse", "postgres", "template1"):
        with pytest.raises(psycopg2.OperationalError, match=f'permission denied for database "{database}"'):
            connected(migrated, "dagster_run", database)


def test_roles_script_calls_no_function_of_user_code(migrated: dict, server: Server) -> None:
    """Postgres prefers a function in `public` that matches better. The script would call it as superuser."""
    planted = "SELECT 'CREATE ROLE planted SUPERUSER'"
    with asking(migrated, "warehouse", "warehouse") as cursor:
        cursor.execute(f"CREATE FUNCTION public.format(text, regprocedure) RETURNS text LANGUAGE sql AS $${planted}$$")
        set_roles(server)
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'planted'")
        assert cursor.fetchone() == (0,)
        cursor.execute("DROP FUNCTION public.format(text, regprocedure)")
