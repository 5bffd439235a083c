"""`make restore FILE=...` makes this deployment what it was when the backup was made.

Every byte of the file is checked before anything is touched. Data that is here already is kept in another backup first.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operate import backup, databases, volumes
from operate.alone import alone
from operate.archive import Archive, ArchiveError, read
from operate.compose import QUIET, CommandError, compose, model, run
from operate.down import remove_data, stop
from operate.images import build
from operate.locations import locations
from operate.preflight import GIB, free_disk
from operate.up import ensure_base_images, up

DIFFERENT = "restored, but {} has {} rows, and the backup {}: restore it again, or take another backup"


def problems(archive: Archive, deployment: Mapping[str, Any], image_major: int, free: int | None) -> list[str]:
    """One sentence for each reason why the backup does not fit this deployment."""
    unknown = sorted({name.removesuffix(".tar") for name in archive.names("volumes")} - set(volumes.kept(deployment)))
    major = int(archive.manifest["postgres_major"])
    found = [
        unknown
        and f"the backup holds the volume {unknown[0]}, which this deployment has not: set COMPOSE_FILE and RUN_ISOLATION "
        f"in .env as {backup.SETTINGS} in the backup says",
        image_major < major
        and f"the backup is of Postgres {major}, and this deployment has {image_major}: set POSTGRES_IMAGE in .env",
        free is not None
        and free < 2 * archive.size
        and f"{free / GIB:.1f} GiB of disk for Docker are free, and {2 * archive.size / GIB:.1f} GiB are needed",
    ]
    return [problem for problem in found if problem]


def image_major(deployment: Mapping[str, Any]) -> int:
    """The major version of the Postgres image."""
    image = deployment["services"]["postgres"]["image"]
    said = run(["docker", "run", "--rm", "--network=none", "--entrypoint=postgres", image, "--version"], capture=True)
    return int(said.split()[2].partition(".")[0])


def keep_what_is_here(deployment: Mapping[str, Any]) -> None:
    """Makes a backup of the data that the restore will remove.

    Raises:
        CommandError: it cannot be made; nothing was changed.
    """
    if not volumes.exists(deployment["volumes"]["postgres_data"]["name"]):
        return
    compose("up", "--detach", "--wait", "--no-recreate", "postgres")
    path = backup.new_path(deployment["name"])
    try:
        backup.write(path, deployment)
    except (CommandError, OSError) as error:
        raise CommandError(
            f"what is here cannot be kept: {error}\nNothing was changed. SAFETY=0 restores without keeping it."
        ) from error
    print(f"restore: what was here is in {path}", file=sys.stderr)


def confirmed(deployment: Mapping[str, Any], options: argparse.Namespace) -> bool:
    """Asks for confirmation if there is data; without a terminal the answer is no."""
    if options.yes or not volumes.exists(deployment["volumes"]["postgres_data"]["name"]):
        return True
    print(f"This replaces the runs, the assets and the passwords of '{deployment['name']}'.", file=sys.stderr)
    try:
        return input(f"Type {deployment['name']} to go on: ").strip() == str(deployment["name"])
    except EOFError:
        return False


def fill(archive: Archive, deployment: Mapping[str, Any]) -> None:
    """Fills volumes and databases, and fails the runs that were in progress."""
    image = deployment["services"]["secrets"]["image"]
    compose(*QUIET, "up", "--no-start")
    for name in archive.names("volumes"):
        with archive.open(f"volumes/{name}") as source:
            volumes.write(deployment["volumes"][name.removesuffix(".tar")]["name"], image, source)
    compose(*QUIET, "up", "--detach", "--wait", "postgres")
    compose(*QUIET, "run", "--rm", "--no-deps", "-T", "roles")
    for database in databases.DATABASES:
        with archive.open(f"databases/{database}.dump") as source:
            databases.restore(database, source)
    check_rows(archive.manifest["rows"])
    # It also sets the rights that the dump does not hold.
    ended = compose(*QUIET, "run", "--rm", "-T", "migrate", "sh", "-c", END, capture=True).split()[-1]
    print(f"restore: {ended} runs were in progress then, and are failed", file=sys.stderr)


END = "python -m dagster_services.database.migrate >&2 && python -m dagster_services.database.interrupted_runs"


def check_rows(expected: Mapping[str, Mapping[str, int]]) -> None:
    """Raises `CommandError` if a table has another number of rows than in the backup."""
    for database, tables in expected.items():
        with databases.snapshot(database) as (_, found):
            for table, rows in tables.items():
                if found.get(table) != rows:
                    raise CommandError(DIFFERENT.format(f"{database}'s {table}", found.get(table, "no"), rows))


def restore(archive: Archive, options: argparse.Namespace) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the backup does not fit, or what is here cannot be kept. Nothing was changed then.
    """
    deployment = model()
    ensure_base_images(os.environ)
    if found := problems(archive, deployment, image_major(deployment), free_disk()):
        raise CommandError("\n".join(found))
    if not confirmed(deployment, options):
        print("restore: nothing was changed", file=sys.stderr)
        return 1
    build(deployment["name"], locations(deployment))
    deployment = model()
    if options.safety:
        keep_what_is_here(deployment)
    stop(deployment["name"])
    remove_data(deployment["name"])
    fill(archive, deployment)
    return up()


def main(words: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the file is no backup, or does not fit. Nothing was changed then.
    """
    parser = argparse.ArgumentParser("restore", description=__doc__)
    parser.add_argument("file", nargs="?", default="")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--no-safety", dest="safety", action="store_false", help="keep nothing of what is here")
    options = parser.parse_args(words)
    if not options.file:
        raise CommandError("FILE= names a backup: make restore FILE=backups/NAME.tar")
    try:
        archive = read(Path(options.file))
    except (ArchiveError, OSError) as error:
        raise CommandError(str(error)) from error
    with alone():
        return restore(archive, options)
