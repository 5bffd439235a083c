"""Autovacuum for tables that grow: retention deletes a day's rows of them, and their space must be used again.

Postgres' default waits until a fifth of a table is dead: weeks of events. VACUUM does not shrink a file. It stays as large as
RETENTION_DAYS need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg2.extensions

TABLES = ("event_logs", "job_ticks", "runs", "run_tags")
OPTIONS = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"}
HAS = "SELECT coalesce(reloptions, '{}') FROM pg_class WHERE oid = %s::regclass"


def ensure(connection: psycopg2.extensions.connection) -> None:
    """Sets what is not set. The lock for it stops no query.

    Raises:
        psycopg2.errors.LockNotAvailable: a VACUUM goes on; the next start does it.
    """
    wanted = {f"{name}={value}" for name, value in OPTIONS.items()}
    with connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(HAS, (table,))
            [(options,)] = cursor.fetchall()
            if not wanted <= set(options):
                cursor.execute(f"ALTER TABLE {table} SET ({', '.join(sorted(wanted))})")
