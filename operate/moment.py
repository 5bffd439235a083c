"""`make restore AT=...`: both databases become what they were at a moment. BACKUP=1 has kept what this takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from operate import volumes
from operate.compose import QUIET, CommandError, compose, model, run, run_containers, services
from operate.down import remove, stop
from operate.images import build
from operate.interrupted import fail_interrupted_runs, start_database
from operate.locations import locations
from operate.unfinished import in_between, is_unfinished
from operate.up import ensure_base_images, up

LATEST = "latest"
BEFORE = "What was here is in the volume postgres_data, as pgdata.before."
UNFINISHED = "The restore before has not ended either."


def moment_of(text: str, now: datetime) -> str:
    """A moment as the service takes it. A time without a zone is one of this machine's.

    Raises:
        CommandError: it is no time, or in the future.
    """
    if text == LATEST:
        return text
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise CommandError(f"AT is set to '{text}', which is no time: write it as 2026-11-26 10:31:07, or {LATEST}") from None
    if moment > now:
        raise CommandError(f"AT is set to '{text}', which is in the future: it is {now:%Y-%m-%d %H:%M:%S %Z} here")
    return moment.isoformat()


def check_backup(deployment: Mapping[str, Any]) -> None:
    """Raises `CommandError` if this deployment keeps no WAL."""
    if "backup" not in deployment["services"]:
        raise CommandError("AT needs WAL, which this deployment does not keep: `make up BACKUP=1` begins. FILE= names a backup")


def _program(service: str, name: str) -> tuple[str, ...]:
    return (service, "/usr/bin/python3", "-m", f"database_backup.{name}")


def _apart(name: str, *words: str) -> str:
    """Runs a program of the service while Postgres is stopped; returns its output."""
    return compose(*QUIET, "run", "--rm", "-T", *_program("database_restore", name), *words, capture=True).strip()


def put_backups_aside() -> None:
    """Puts the base backups and the WAL of the database aside that a backup file replaces."""
    _apart("aside")


def finish_wal() -> None:
    """Lets the service get all WAL, if Postgres still runs. What it does not get is lost, and Postgres may be broken."""
    running = services()
    if all(running.get(name, {}).get("State") == "running" for name in ("postgres", "backup")):
        try:
            compose(*QUIET, "exec", "-T", *_program("backup", "finish"), capture=True)
        except CommandError as error:
            print(f"restore: the last WAL may be missing: {error}", file=sys.stderr)


def empty(deployment: Mapping[str, Any], left: Collection[str] = volumes.LEFT) -> None:
    """Makes the volumes empty ones, but those that are left: new volumes, with the owners that their services give them.

    Raises:
        CommandError: a container uses one.
    """
    compose(*QUIET, "down", "--remove-orphans")
    remove("container", run_containers(deployment["name"]))
    volumes.remove(deployment, left)
    compose(*QUIET, "up", "--no-start")


def prepare(moment: str, again: str) -> None:
    """Restores the databases beside those that are here. `again` says how to start these.

    Raises:
        CommandError: they cannot be restored. Nothing was replaced.
    """
    try:
        print(f"restore: {_apart('restore', 'prepare', moment)}", file=sys.stderr)
    except CommandError as error:
        reason = str(error).partition(" failed: ")[2] or error
        raise CommandError(f"{reason}\nNothing was replaced. {again}") from error


def forget_messages(deployment: Mapping[str, Any]) -> None:
    """Removes what the database knows nothing of: containers of later runs, and their messages in the broker."""
    remove("container", run_containers(deployment["name"]))
    broker = {key: name for key, name in volumes.own(deployment).items() if key == "broker_data"}
    if names := volumes.present(broker).values():
        run(["docker", "volume", "rm", *names], capture=True)


def restore_moment(at: str, moment: str, *, safety: bool) -> int:
    """Returns the exit status.

    Raises:
        CommandError: it cannot be restored, or does not start. The message says what is left.
    """
    ensure_base_images(os.environ)
    deployment = model()
    project = deployment["name"]
    build(project, locations(deployment))
    finish_wal()
    stop(project)
    prepare(moment, UNFINISHED if is_unfinished(project) else "`make up` starts all again.")
    with in_between(project, f'Try again: make restore AT="{at}". {BEFORE}'):
        replace(deployment)
    end(safety=safety)
    return up()


def replace(deployment: Mapping[str, Any]) -> None:
    """Gives the prepared databases the place of those that are here, and ends the runs that were in progress then."""
    _apart("restore", "replace")
    forget_messages(deployment)
    start_database()
    fail_interrupted_runs()


def bring_back(moment: str, deployment: Mapping[str, Any], left: str) -> None:
    """Restores the databases where there are none. `left` says what is there if that fails.

    Raises:
        CommandError: they cannot be restored.
    """
    prepare(moment, left)
    replace(deployment)


def end(*, safety: bool) -> None:
    """Ends a restore; what was here before is kept, or not."""
    _apart("restore", "end", "before" if safety else "nothing")
