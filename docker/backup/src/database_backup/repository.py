"""restic's programs: https://restic.readthedocs.io/en/v0.18.0/. Its repository is elsewhere, and encrypted."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from database_backup.barman import BarmanError

CREDENTIALS = Path("/run/offsite_credentials")
SSH = "sftp.args=-i /run/offsite_ssh_key -o UserKnownHostsFile=/run/offsite_known_hosts -o BatchMode=yes"
COMMAND = ("restic", "--cache-dir", "/tmp/restic", "--option", SSH)  # noqa: S108 - a container of its own
HOST = "deployment"
DATA = Path("/data")
# The database's backups, and all other volumes: copied in this order.
PARTS = ("0", "1")
LOOK_SECONDS = 120
# `init` says so. Other commands try for a quarter of an hour to read from a bucket that is not there.
EXISTS = "already"
# Some files have changed or gone while they were read. The copy is made.
INCOMPLETE = 3


def read_credentials(file: Path = CREDENTIALS) -> None:
    """Sets the variables with which restic reaches its repository."""
    for line in file.read_text().splitlines():
        name, given, value = line.strip().partition("=")
        if given and not name.startswith("#"):
            os.environ[name] = value


def restic(*arguments: str, allowed: int = 0, seconds: float | None = None) -> str:
    """Returns the output of a command. It asks a store that does not answer for a quarter of an hour, or for some seconds.

    Raises:
        BarmanError: it failed. The message is the end of its output.
    """
    command, nothing = [*COMMAND, *arguments], subprocess.DEVNULL
    try:
        ended = subprocess.run(command, stdin=nothing, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise BarmanError(f"the repository {os.environ['RESTIC_REPOSITORY']} has not answered within {seconds:g} s") from error
    if ended.returncode not in {0, allowed}:
        raise BarmanError(f"{ended.stdout}{ended.stderr}".strip()[-1000:])
    return ended.stdout


def ensure() -> None:
    """Makes the repository if there is none.

    Raises:
        BarmanError: it cannot be reached, or has another key.
    """
    try:
        restic("init")
    except BarmanError as error:
        if EXISTS not in str(error):
            raise


def copy() -> str:
    """Copies everything that has changed; returns a sentence.

    The database's folder comes first: each file that its WAL names exists in the volumes that follow.

    Raises:
        BarmanError: it failed. What was copied before is as it was.
    """
    ensure()
    # A copy that was killed has left a lock.
    restic("unlock")
    restic("backup", "--host", HOST, "--quiet", *(str(DATA / part) for part in PARTS), allowed=INCOMPLETE)
    return f"{newest()} is the newest copy"


def newest() -> str:
    """Returns the id of the newest copy."""
    return restic("snapshots", "--host", HOST, "--latest", "1", "--group-by", "host", "--json").partition('"short_id":"')[2][:8]


def prune(days: int) -> str:
    """Removes copies that are older; returns a sentence.

    Raises:
        BarmanError: it failed.
    """
    restic("forget", "--host", HOST, "--group-by", "host", "--keep-within", f"{days}d", "--prune")
    return f"copies of {days} days are kept"


def check() -> str:
    """Checks the repository, and reads a part of it; returns a sentence.

    Raises:
        BarmanError: it is damaged.
    """
    restic("check", "--read-data-subset=10%")
    return "the repository is whole"


def folders_in(copied: str) -> list[str]:
    """Returns the folders of volumes in a copy, or in the `latest`.

    Raises:
        BarmanError: there is no such copy, or the repository does not answer.
    """
    listed = restic("ls", copied, "--host", HOST, *(str(DATA / part) for part in PARTS), seconds=LOOK_SECONDS)
    return [line for line in listed.splitlines() if len(Path(line).parts) == len(DATA.parts) + 2]


def check_fits(copied: str) -> None:
    """Raises `BarmanError` if there is no such copy, or if this deployment has not all of its volumes."""
    for folder in folders_in(copied):
        if not Path(folder).exists():
            name = Path(folder).name
            raise BarmanError(f"the copy holds the volume {name}: add the code location that it belongs to (make location)")


def bring_back(copied: str) -> str:
    """Replaces what is in the volumes by a copy, or by the `latest`; returns a sentence.

    Raises:
        BarmanError: there is no such copy, or a file cannot be written.
    """
    for folder in folders_in(copied):
        for child in Path(folder).iterdir():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        restic("restore", f"{copied}:{folder}", "--host", HOST, "--target", folder)
    return f"the copy {copied} is restored"
