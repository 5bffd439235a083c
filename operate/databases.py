"""Postgres of this deployment for backups: dumps and restores, through the superuser's local socket."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

from operate.compose import ROOT, CommandError, run
from operate.pace import Pace

if TYPE_CHECKING:
    from io import BufferedReader

# Each database, with the role that owns what is in it. Restoring as the superuser would execute code of that role with all
# rights: a constraint of user code calls a function of user code. For the same reason nothing here reads a table.
DATABASES = {"dagster": "dagster", "warehouse": "warehouse"}
EXEC = ("docker", "compose", "--progress", "quiet", "exec", "-T", "postgres")
PSQL = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--tuples-only", "--no-align")
PIECE = 2**20
# A run that changes a table must not wait for the dump, nor the dump for it.
LOCK_WAIT = "--lock-wait-timeout=60s"
TRIAL = "restore_trial"
ZSTD_SINCE = 16


def stream(what: str, command: tuple[str, ...], write: Callable[[bytes], object]) -> None:
    """Passes the standard output of a command on, and gives way to runs. `what` names its work in an error.

    Raises:
        CommandError: it failed.
    """
    # A pipe that nobody reads would stop the program after 64 KiB.
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process:
            output, pace = cast("BufferedReader", process.stdout), Pace()
            # A program that writes waits while nobody reads. A whole MiB at once is a twentieth of a large dump.
            while piece := output.read1(PIECE):
                write(piece)
                pace()
        _check(what, process.returncode, errors)


def feed(what: str, command: tuple[str, ...], source: IO[bytes]) -> None:
    """Passes a file to the standard input of a command. `what` names its work in an error.

    Raises:
        CommandError: it failed.
    """
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors) as process:
            _give(source, cast("IO[bytes]", process.stdin))
        _check(what, process.returncode, errors)


def _give(source: IO[bytes], given: IO[bytes]) -> None:
    # A program that ends early says why.
    with suppress(BrokenPipeError), given:
        shutil.copyfileobj(source, given, PIECE)


def _check(what: str, status: int, errors: IO[bytes]) -> None:
    if status:
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()[-2000:]
        raise CommandError(f"{what} failed: {said}")


def major() -> int:
    """The major version of the Postgres that runs.

    Raises:
        CommandError: none does.
    """
    return int(run([*EXEC, "postgres", "--version"], capture=True).split()[2].partition(".")[0])


def compression() -> str:
    """The option of pg_dump that costs least: it shares the processors of Postgres.

    A database of 1.4 GB took 11.2 s and 24 MB with gzip, and 5.1 s and 10 MB with zstd.

    Raises:
        CommandError: Postgres does not run.
    """
    return "--compress=zstd:1" if major() >= ZSTD_SINCE else "--compress=1"


def dump(database: str, write: Callable[[bytes], object], moment: str = "") -> None:
    """Passes the dump of a database on. It is of one moment, which another session may hold.

    Raises:
        CommandError: pg_dump failed.
    """
    held = (f"--snapshot={moment}",) if moment else ()
    command = ("pg_dump", "--username=postgres", "--format=custom", compression(), LOCK_WAIT, *held, database)
    stream(f"the dump of the database {database}", (*EXEC, *command), write)


def restore(database: str, source: IO[bytes], target: str | None = None) -> None:
    """Restores a dump into an empty database, in one transaction, as the role that owns what is in it.

    Rights are not restored: the services `roles` and `migrate` set them.

    Raises:
        CommandError: pg_restore failed.
    """
    role, target = DATABASES[database], target or database
    # Building a large index again takes more than the role may use for a query. `roles` sets the limit again.
    sql(f"ALTER ROLE {role} IN DATABASE {target} SET temp_file_limit = -1")
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    command = ("pg_restore", f"--username={role}", f"--dbname={target}", *options)
    feed(f"the restore of the database {database}", (*EXEC, *command), source)


def sql(statement: str, database: str = "postgres", role: str = "") -> str:
    """Executes a statement as the superuser in the database that holds no data, or in another one as its owner or a role.

    Returns rows as lines, and separates columns by `|`.

    Raises:
        CommandError: Postgres refuses.
    """
    role = role or DATABASES.get(database, "postgres")
    return run([*EXEC, *PSQL, f"--username={role}", f"--dbname={database}", f"--command={statement}"], capture=True)


def try_restore(database: str, source: IO[bytes]) -> None:
    """Restores a dump into a database beside the others, and removes that again.

    Raises:
        CommandError: it cannot be restored.
    """
    role = DATABASES[database]
    sql(f"DROP DATABASE IF EXISTS {TRIAL}")
    sql(f"CREATE DATABASE {TRIAL} OWNER {role} TEMPLATE template0")
    try:
        restore(database, source, TRIAL)
    finally:
        sql(f"DROP DATABASE IF EXISTS {TRIAL}")
