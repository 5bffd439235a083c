"""`make restore FILE=...` makes this deployment what it was when the backup was made.

Every byte of the file is checked before anything is touched. Data that is here already is kept in another backup, and the
databases of the file are restored beside those that are here, before anything is removed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from operate import backup, databases, offsite, volumes
from operate.alone import alone
from operate.archive import Archive, ArchiveError, read
from operate.compose import QUIET, CommandError, compose, model
from operate.counting import check_counts
from operate.database_move import major_of
from operate.down import stop
from operate.encrypted import readable
from operate.fitting import check_dagster, problems
from operate.images import build
from operate.interrupted import fail_interrupted_runs, start_database
from operate.locations import locations
from operate.moment import check_backup, empty, moment_of, put_backups_aside, restore_moment
from operate.preflight import check_deployment, free_disk
from operate.recorded import check_same_dagster, forget_records
from operate.unfinished import in_between
from operate.up import ensure_base_images, up


def confirmed(deployment: Mapping[str, Any], options: argparse.Namespace) -> bool:
    """Asks for confirmation if there is data; without a terminal the answer is no."""
    here = volumes.present(volumes.own(deployment))
    if options.yes or not here:
        return True
    print(f"This replaces the runs, the assets and the passwords of '{deployment['name']}': {', '.join(here)}.", file=sys.stderr)
    try:
        return input(f"Type {deployment['name']} to go on: ").strip() == str(deployment["name"])
    except EOFError:
        return False


def keep_what_is_here(archive: Archive, deployment: Mapping[str, Any]) -> Path:
    """Makes a backup of what the restore will remove, and restores the databases of the file beside it; returns its path.

    Raises:
        CommandError: one of them fails. Everything is stopped, and nothing was removed.
    """
    try:
        compose(*QUIET, "up", "--detach", "--wait", "postgres")
        path = backup.make(deployment)
        for database in databases.DATABASES:
            with archive.open(f"databases/{database}.dump") as source:
                databases.try_restore(database, source)
    except (CommandError, OSError) as error:
        said = "Nothing was removed: `make up` starts all again. SAFETY=0 restores without keeping what is here."
        raise CommandError(f"{error}\n{said}") from error
    print(f"restore: what was here is in {path}", file=sys.stderr)
    return path


def fill(archive: Archive, deployment: Mapping[str, Any]) -> None:
    """Fills volumes and databases, and fails the runs that were in progress."""
    # The backup may be of another version of Dagster than the deployment here.
    forget_records(deployment["name"])
    empty(deployment)
    image = deployment["services"]["secrets"]["image"]
    for name in archive.names("volumes"):
        with archive.open(f"volumes/{name}") as source:
            volumes.write(deployment["volumes"][name.removesuffix(".tar")]["name"], image, source)
    if "backup" in deployment["services"]:
        put_backups_aside()
    start_database()
    for database in databases.DATABASES:
        with archive.open(f"databases/{database}.dump") as source:
            databases.restore(database, source)
        # Backups of earlier releases have no counts.
        check_counts(database, archive.manifest.get("rows", {}).get(database, {}))
    fail_interrupted_runs()


def restore(archive: Archive, options: argparse.Namespace) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the backup does not fit, what is here cannot be kept, or the restore failed. The message says which.
    """
    # It may write other images to .env, which the model then names.
    ensure_base_images(os.environ)
    deployment = model()
    # Without a copy of what is here, no Postgres needs to read it.
    if not check_deployment(moving=not options.safety):
        return 1
    if found := problems(archive, deployment, major_of(deployment), free_disk()):
        raise CommandError("\n".join(found))
    if not confirmed(deployment, options):
        print("restore: nothing was changed", file=sys.stderr)
        return 1
    build(deployment["name"], locations(deployment))
    deployment = model()
    check_dagster(archive, deployment)
    stop(deployment["name"])
    safe = keep_what_is_here(archive, deployment) if options.safety and volumes.present(volumes.own(deployment)) else None
    key = f" IDENTITY={options.identity}" if options.identity else ""
    again = f"Try again: make restore FILE={options.file} SAFETY=0{key}"
    remedy = f"{again}. To bring back what was here: make restore FILE={safe} SAFETY=0{key}" if safe else again
    with in_between(deployment["name"], remedy):
        fill(archive, deployment)
    return up()


def to_moment(options: argparse.Namespace) -> int:
    """Restores the databases to a moment; returns the exit status.

    Raises:
        CommandError: it cannot be restored. The message says what is left.
    """
    deployment = model()
    check_backup(deployment)
    check_same_dagster(deployment["name"])
    moment = moment_of(options.at, datetime.now().astimezone())
    if not confirmed(deployment, options):
        print("restore: nothing was changed", file=sys.stderr)
        return 1
    return restore_moment(options.at, moment, safety=options.safety)


def from_elsewhere(options: argparse.Namespace) -> int:
    """Restores a copy of the repository; returns the exit status.

    Raises:
        CommandError: there is no such copy, or it cannot be restored. The message says what is left.
    """
    deployment = offsite.prepared()
    check_same_dagster(deployment["name"])
    # The next line makes empty volumes.
    here = volumes.present(volumes.own(deployment))
    offsite.check_copy(options.copy)
    if here and not confirmed(deployment, options):
        print("restore: nothing was changed", file=sys.stderr)
        return 1
    return offsite.restore_copy(options.copy, deployment, safety=options.safety and bool(here))


@contextmanager
def opened(path: Path, identity: str) -> Iterator[Archive]:
    """A backup, decrypted if needed and checked.

    Raises:
        CommandError: it cannot be read, decrypted, or is damaged.
    """
    with ExitStack() as stack:
        try:
            archive = read(stack.enter_context(readable(path, identity)))
        except (ArchiveError, OSError) as error:
            raise CommandError(str(error)) from error
        yield archive


def main(words: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the file is no backup, or does not fit, or something failed. The message says what is left.
    """
    parser = argparse.ArgumentParser("restore", description=__doc__)
    parser.add_argument("file", nargs="?", default="")
    parser.add_argument("--at", default="", help="a moment, instead of a file")
    parser.add_argument("--copy", default="", help="a copy in the repository of OFFSITE=1, or latest")
    parser.add_argument("--identity", default="", help="the file with the key of an encrypted backup")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--no-safety", dest="safety", action="store_false", help="keep nothing of what is here")
    options = parser.parse_args(words)
    if sum(map(bool, (options.file, options.at, options.copy))) != 1:
        raise CommandError("FILE= names a backup, AT= a moment, or COPY= one elsewhere: make restore FILE=backups/NAME.tar")
    if options.copy:
        with alone():
            return from_elsewhere(options)
    if options.at:
        with alone():
            return to_moment(options)
    with alone(), opened(Path(options.file), options.identity) as archive:
        return restore(archive, options)
