"""OFFSITE=1: the volumes that restic copies elsewhere, and `make restore COPY=latest`, which brings them back."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from operate import backup
from operate.compose import QUIET, CommandError, compose, model, services
from operate.down import stop
from operate.env_file import env_file
from operate.images import build
from operate.locations import locations
from operate.moment import LATEST, bring_back, empty, end
from operate.unfinished import in_between
from operate.up import choose_files, ensure_base_images, up

PROGRAM = ("/usr/bin/python3", "-m", "database_backup.offsite_restore")
ONCE = (*QUIET, "run", "--rm", "-T", "offsite_restore", *PROGRAM)


def check_copy(copied: str) -> None:
    """Raises `CommandError` if the repository has no such copy, or cannot be read."""
    try:
        compose(*ONCE, "look", copied, capture=True)
    except CommandError as error:
        raise CommandError(f"{str(error).partition(' failed: ')[2]}\nNothing was changed.") from error


def keep(deployment: Mapping[str, Any]) -> None:
    """Makes a backup of what is here, if Postgres runs."""
    if services().get("postgres", {}).get("State") != "running":
        raise CommandError("Postgres does not run, so what is here cannot be kept: make up, or go on without it, SAFETY=0")
    print(f"restore: what was here is in {backup.make(deployment)}", file=sys.stderr)


def prepared() -> dict[str, Any]:
    """Chooses the Compose files and builds the images; returns the Compose model."""
    choose_files(env_file(), {**os.environ, "BACKUP": "1", "OFFSITE": "1"})
    ensure_base_images(os.environ)
    deployment = model()
    build(deployment["name"], locations(deployment))
    return model()


def restore_copy(copied: str, deployment: Mapping[str, Any], *, safety: bool) -> int:
    """Replaces all that is here by a copy, and lets the database replay all WAL that the copy has; returns the exit status.

    Raises:
        CommandError: the copy cannot be restored. The message says what is left.
    """
    project = deployment["name"]
    if safety:
        keep(deployment)
    stop(project)
    with in_between(project, f"Try again: make restore COPY={copied} SAFETY=0"):
        empty(deployment, left={"offsite_repository"})
        print(f"restore: {compose(*ONCE, 'fill', copied, capture=True).strip()}", file=sys.stderr)
        bring_back(LATEST, deployment, "The volumes are those of the copy.")
    end(safety=False)
    return up()
