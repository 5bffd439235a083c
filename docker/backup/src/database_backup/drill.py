"""Restores the newest backup and all WAL to a scratch server, and reads everything: a backup that nobody restored is none."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import UTC, datetime

from database_backup import timelines
from database_backup.alone import alone
from database_backup.barman import HOME, SERVER, Backup, BarmanError, backups, chain, run, switch_wal
from database_backup.live import current_lsn
from database_backup.recovery import SOCKETS, Target, restore, server, sql
from database_backup.work import attempt, configured

SCRATCH = HOME / "drill"
LOCK = HOME / "drill.lock"
DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1'"
TABLES = """SELECT format('SELECT count(*) FROM %I.%I', nspname, relname) FROM pg_class
JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND relpersistence = 'p' AND relispopulated AND nspname <> 'pg_toast'"""


def verify(backup: Backup) -> None:
    """Compares each file of a base backup with its manifest, in which Postgres has noted its hash.

    Raises:
        BarmanError: one differs.
    """
    run("pg_verifybackup", "--no-parse-wal", "--quiet", str(HOME / SERVER / "base" / backup.name / "data"))


def counts() -> tuple[int, int]:
    """Returns the number of tables of the restored server, and that of their rows. It reads all of them."""
    rows = [int(sql(query, database)[0]) for database in sql(DATABASES) for query in sql(TABLES, database)]
    return len(rows), sum(rows)


def check_reached(lsn: str) -> None:
    """Raises `BarmanError` if the restored server lacks WAL that the database had written when the drill began."""
    if sql(f"SELECT pg_current_wal_lsn() >= '{lsn}'::pg_lsn") != ["t"]:
        raise BarmanError(f"the restored database ends before {lsn}: WAL is missing")


def rehearse() -> str:
    """Returns a sentence about what was restored.

    Raises:
        BarmanError: a file is damaged, the backup cannot be restored, or WAL is missing.
    """
    with alone(LOCK):
        began, lsn = time.monotonic(), current_lsn()
        switch_wal()
        found = backups()
        if not found:
            raise BarmanError("there is no base backup yet")
        for each in chain(found[-1], found):
            verify(each)
        tables, rows = read_all(found[-1], lsn)
    seconds = time.monotonic() - began
    return f"{found[-1].name} and its WAL are restored in {seconds:.1f} s: {tables} tables, {rows} rows, all indexes are whole"


def read_all(backup: Backup, lsn: str) -> tuple[int, int]:
    """Restores a backup with all WAL and reads it; returns its numbers of tables and rows.

    Raises:
        BarmanError: the backup cannot be restored, an index is damaged, or WAL is missing.
    """
    try:
        restore(Target(backup.name, timelines.timeline_at(timelines.read(), datetime.now(UTC))), SCRATCH)
        with server(SCRATCH):
            check_reached(lsn)
            run("pg_amcheck", "--all", "--install-missing", "--username=postgres", f"--host={SOCKETS}")
            return counts()
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


def main() -> None:
    """Makes a drill now, and exits with its error if it fails."""
    configured()
    sys.exit(0 if attempt("drill", rehearse) else 1)


if __name__ == "__main__":
    main()
