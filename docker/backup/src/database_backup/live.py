"""Questions to the deployment's Postgres, as the role `backup`."""

from __future__ import annotations

from dataclasses import dataclass

from database_backup.barman import run

PSQL = (
    "psql",
    "--no-psqlrc",
    "--quiet",
    "--no-align",
    "--tuples-only",
    "--host=postgres",
    "--username=backup",
    "--dbname=postgres",
)
# The name of a WAL file begins with the timeline.
TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
SLOT = "SELECT active, wal_status FROM pg_replication_slots WHERE slot_name = 'backup'"


def ask(statement: str) -> list[str]:
    """Returns the lines of a query.

    Raises:
        BarmanError: Postgres does not answer.
    """
    return run(*PSQL, f"--command={statement}").splitlines()


def current_lsn() -> str:
    """Returns the end of the WAL that Postgres has written."""
    return ask("SELECT pg_current_wal_lsn()")[0]


def system_identifier() -> str:
    """Returns the number that initdb gave this database. A database from another initdb has another one."""
    return ask("SELECT system_identifier FROM pg_control_system()")[0]


def timeline() -> int:
    """Returns the present timeline."""
    return int(ask(TIMELINE)[0], 16)


@dataclass(frozen=True)
class Slot:
    """Whether WAL is being received, and whether WAL that was not yet received is gone."""

    active: bool
    lost: bool


def slot() -> Slot | None:
    """Returns the state of the replication slot, if there is one."""
    if not (found := ask(SLOT)):
        return None
    active, state = found[0].split("|")
    return Slot(active == "t", state == "lost")


def drop_slot() -> None:
    """Drops the slot. Barman makes another one."""
    ask("SELECT pg_drop_replication_slot('backup')")
