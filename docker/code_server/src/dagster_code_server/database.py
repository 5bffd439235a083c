"""Asks whether a role can use a database of Postgres."""

from collections.abc import Mapping

import psycopg2


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


def status_of_run(environ: Mapping[str, str], run_id: str) -> str | None:
    """The status of a run in Dagster's database, or None if the database does not answer."""
    role, database, host, port = of_dagster(environ)
    try:
        connection = psycopg2.connect(host=host, port=port, user=role, dbname=database, connect_timeout=2)
        cursor = connection.cursor()
        cursor.execute("SELECT status FROM runs WHERE run_id = %s", (run_id,))
        row = cursor.fetchone()
        connection.close()
    except psycopg2.Error:
        return None
    return str(row[0]) if row else "deleted"
