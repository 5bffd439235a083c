"""Barman's programs: https://docs.pgbarman.org/release/3.13.3/. Its configuration is barman.conf and the settings."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from database_backup.settings import Settings

HOME = Path("/var/lib/backup")
SERVER = "deployment"
STREAMING = HOME / SERVER / "streaming"
# WAL that Barman will not archive, and histories of timelines: see stream.py.
ENDED = HOME / "ended"
BASE, MADE = Path("/etc/barman.conf"), Path("/tmp/barman.conf")  # noqa: S108 - a container of its own
PROGRAMS = "/usr/lib/postgresql/{}/bin"
COMMAND = ("barman", "--config", str(MADE))
# A busy database may have many WAL files before the one that is awaited.
ARCHIVE_SECONDS = 1800


class BarmanError(Exception):
    """A program failed. The message is the end of its output."""


@dataclass(frozen=True)
class Backup:
    """A base backup that is whole. Its database is consistent from `end` on. An incremental one needs its `parent`."""

    name: str
    end: datetime
    timeline: int
    parent: str | None = None


def configure(settings: Settings, postgres_major: str) -> None:
    """Writes Barman's configuration. Another program may be reading it."""
    programs = PROGRAMS.format(postgres_major)
    aside = MADE.with_suffix(f".{os.getpid()}")
    aside.write_text(
        f"{BASE.read_text()}path_prefix = {programs}\nretention_policy = RECOVERY WINDOW OF {settings.keep_days} DAYS\n"
    )
    aside.rename(MADE)


def run(*command: str) -> str:
    """Returns the output of a program.

    Raises:
        BarmanError: it failed.
    """
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BarmanError(f"{ended.stdout}{ended.stderr}".strip()[-1500:])
    return ended.stdout


def barman(*arguments: str) -> str:
    """Returns the output of a command of Barman's.

    Raises:
        BarmanError: it failed.
    """
    return run(*COMMAND, *arguments)


def keep_receiving() -> None:
    """Starts pg_receivewal if it does not run, archives WAL, and removes what is too old.

    What pg_receivewal says goes to the log of this service: a pipe would not end before it does.
    """
    subprocess.run([*COMMAND, "--quiet", "cron", "--keep-descriptors"], stdin=subprocess.DEVNULL, check=False)


def switch_wal() -> None:
    """Ends the WAL file that is being written, and waits until it is archived.

    Raises:
        BarmanError: it does not arrive.
    """
    barman("switch-wal", "--force", "--archive", "--archive-timeout", str(ARCHIVE_SECONDS), SERVER)


def backups() -> list[Backup]:
    """Returns the base backups that are whole, the oldest first."""
    return sorted((_shown(name) for name, status in _listed() if status == "DONE"), key=lambda backup: backup.end)


def remove_broken() -> None:
    """Removes base backups that are not whole, because Barman's retention does not. None is being made."""
    for name, status in _listed():
        if status != "DONE":
            barman("delete", SERVER, name)


def chain(backup: Backup, found: Sequence[Backup]) -> list[Backup]:
    """Returns a backup and those that it needs."""
    by_name = {each.name: each for each in found}
    return [backup, *(chain(by_name[backup.parent], found) if backup.parent else [])]


def _listed() -> list[tuple[str, str]]:
    listed = json.loads(barman("--format", "json", "list-backups", SERVER))[SERVER]
    return [(each["backup_id"], each["status"]) for each in listed]


def _shown(name: str) -> Backup:
    (found,) = json.loads(barman("--format", "json", "show-backup", SERVER, name)).values()
    base = found["base_backup_information"]
    # Barman cuts off the part of the second.
    end = datetime.fromtimestamp(float(base["end_time_timestamp"]), UTC) + timedelta(seconds=1)
    return Backup(name, end, int(base["timeline"]), found["catalog_information"].get("parent_backup_id"))
