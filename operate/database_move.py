"""Moves the databases to another major version of Postgres by dump and restore, and indexes to another C library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operate import databases
from operate.archive import new_file
from operate.aside import empty
from operate.compose import CommandError, run
from operate.interrupted import start_database
from operate.moment import put_backups_aside
from operate.preflight import version

# Text is sorted by these: https://www.postgresql.org/docs/17/collation.html
SORTING = "SELECT datname, datlocprovider, datcollate, datctype FROM pg_database WHERE datname = ANY ('{{{}}}') ORDER BY 1"
OTHER_LIBRARY = (
    "SELECT datname FROM pg_database WHERE datname = ANY ('{{{}}}') "
    "AND datcollversion <> pg_database_collation_actual_version(oid)"
)
NAMES = ",".join(databases.DATABASES)


def major_of(model: Mapping[str, Any]) -> int:
    """The major version of a release's Postgres.

    Raises:
        CommandError: there is no such image.
    """
    image = model["services"]["postgres"]["image"]
    said = run(["docker", "run", "--rm", "--network=none", "--entrypoint=postgres", image, "--version"], capture=True)
    return version(said)[0]


def sorting() -> str:
    """The rules by which the databases sort text."""
    return databases.sql(SORTING.format(NAMES))


def check_alone() -> None:
    """Raises `CommandError` if Postgres has databases of somebody else: a move would lose them."""
    known = {"postgres", "template0", "template1", *databases.DATABASES}
    if others := sorted(set(databases.sql("SELECT datname FROM pg_database").split()) - known):
        raise CommandError(f"Postgres has the database {others[0]}, which is none of this deployment: move it elsewhere first")


def dump(folder: Path) -> None:
    """Writes the databases, and how they sort text, to a folder that only its owner may enter.

    Raises:
        CommandError: a database cannot be read.
        OSError: the disk is full.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for database in databases.DATABASES:
        with new_file(folder / database) as file:
            databases.dump(database, file.write)
    (folder / "sorting").write_text(sorting())


def restore(model: Mapping[str, Any], folder: Path) -> None:
    """Replaces the data of another major version by the dumps in a folder.

    Raises:
        CommandError: Postgres does not start, or sorts text in another way, or a dump cannot be restored.
    """
    if "backup" in model["services"]:
        put_backups_aside()
    image = model["services"]["secrets"]["image"]
    empty(model["name"], model["volumes"]["postgres_data"]["name"], image)
    start_database()
    if (now := sorting()) != (before := (folder / "sorting").read_text()):
        raise CommandError(f"the new Postgres sorts text as {now.strip()}, and the old one as {before.strip()}")
    for database in databases.DATABASES:
        with (folder / database).open("rb") as source:
            databases.restore(database, source)


def refresh_indexes() -> None:
    """Builds indexes again if another C library sorts text: a lookup would miss rows that are there.

    Raises:
        CommandError: Postgres does not start, or a unique index has duplicates.
    """
    start_database()
    for database in databases.sql(OTHER_LIBRARY.format(NAMES)).split():
        # Postgres builds each index as the role that owns the table.
        databases.sql(f"REINDEX DATABASE {database}", database, role="postgres")
        databases.sql(f"ALTER DATABASE {database} REFRESH COLLATION VERSION")
