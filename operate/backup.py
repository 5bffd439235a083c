"""`make backup` writes all that this deployment holds to one file in `backups/`, while it runs.

It holds passwords. `make restore FILE=...` brings it back, here or on an empty machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from operate import databases, unfinished, volumes
from operate.alone import alone
from operate.archive import Writer, new_file
from operate.compose import ROOT, CommandError, model, run, services
from operate.counting import Counts, one_moment
from operate.encrypted import encrypt, recipient
from operate.env_file import env_file

FOLDER = ROOT / "backups"
SETTINGS = "settings.env"
COUNTED_TRIES = 2


def dagster_version(image: str) -> str:
    """The version of Dagster in an image."""
    show = "from importlib.metadata import version; print(version('dagster'))"
    return run(["docker", "run", "--rm", "--network=none", image, "python", "-c", show], capture=True).strip()


def facts(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The facts about the deployment in the manifest."""
    return {
        "project": deployment["name"],
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "postgres_major": databases.major(),
        "dagster": dagster_version(deployment["services"]["secrets"]["image"]),
    }


def write(path: Path, deployment: Mapping[str, Any]) -> None:
    """Writes a backup. The file gets its name only when it is whole.

    Raises:
        CommandError: a database or a volume cannot be read.
        OSError: the disk is full.
    """
    image = deployment["services"]["secrets"]["image"]
    # Verbs that were killed leave such files.
    for left in path.parent.glob(".*.part"):
        left.unlink()
    with new_file(path) as file:
        archive = Writer(file)
        # Databases come first: each file that they name exists in the volumes that follow.
        rows = {database: add_database(archive, database) for database in databases.DATABASES}
        for key, name in volumes.present(volumes.kept(deployment)).items():
            archive.add(f"volumes/{key}.tar", partial(volumes.read, name, image))
        if env_file().exists():
            archive.add(SETTINGS, _content(env_file()))
        archive.finish({**facts(deployment), "rows": rows})


def add_database(archive: Writer, database: str) -> Counts:
    """Adds the dump of a database; returns the number of rows in each table, or nothing if they cannot be counted.

    A run that replaces a table between the count and the dump makes the dump fail.

    Raises:
        CommandError: the database cannot be read.
    """
    name = f"databases/{database}.dump"
    for _ in range(COUNTED_TRIES):
        with suppress(CommandError), one_moment(database) as (moment, rows):
            archive.add(name, partial(databases.dump, database, moment=moment))
            return rows
    print(f"backup: tables of {database} are replaced all the time, so their rows are not counted", file=sys.stderr)
    archive.add(name, partial(databases.dump, database))
    return {}


def _content(path: Path) -> Callable[[Callable[[bytes], None]], None]:
    return lambda write: write(path.read_bytes())


def make(deployment: Mapping[str, Any]) -> Path:
    """Makes a backup in `backups/`, which only its owner can enter; returns its path.

    Raises:
        CommandError: something cannot be read, or encrypted.
        OSError: the disk is full.
    """
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    path = FOLDER / f"{deployment['name']}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    if not (key := recipient()):
        write(path, deployment)
        return path
    plain, path = path.with_name(f".{path.name}.plain.part"), path.with_suffix(".tar.age")
    try:
        write(plain, deployment)
        encrypt(plain, path, key)
    finally:
        plain.unlink(missing_ok=True)
    return path


def check_running() -> None:
    """Raises `CommandError` if Postgres does not run."""
    if services().get("postgres", {}).get("State") != "running":
        raise CommandError("Postgres does not run, so there is nothing to read: make up")


def main(_: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: something cannot be read, or the disk is full. No file is left behind.
    """
    with alone():
        deployment = model()
        unfinished.check(deployment["name"])
        check_running()
        try:
            path = make(deployment)
        except OSError as error:
            raise CommandError(f"the backup failed: {error.strerror}. Nothing is left of it.") from error
    holds = "It is encrypted" if path.suffix == ".age" else "It holds passwords"
    print(f"backup: {path.relative_to(ROOT)} ({path.stat().st_size / 2**20:.0f} MiB). {holds}.", file=sys.stdout)
    return 0
