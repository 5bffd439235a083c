"""Restores a database to a folder, and tries it in a server of its own that nobody else can reach."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from database_backup.barman import HOME, SERVER, BarmanError, backups, barman, chain, run

GIB = 2**30
SOCKETS = Path("/tmp")  # noqa: S108 - a container of its own
LOG = SOCKETS / "postgres.log"
# A large database with the WAL of a week.
READY_SECONDS = 12 * 3600
# It stays a standby until it has reached its target. hot_standby would ask for the settings of the first server.
OPTIONS = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={SOCKETS}", "-c", "hot_standby=off", "-c", "jit=off")
SETTINGS = ("restore_command", "recovery_target_time", "recovery_target_timeline", "recovery_target_action")
FETCH = "restore_command = '/opt/fetch_wal.sh %f %p'\n"


@dataclass(frozen=True)
class Target:
    """A base backup, and the moment until which WAL is replayed: all of it if there is none."""

    backup: str
    timeline: int
    moment: datetime | None = None


def restore(target: Target, folder: Path) -> None:
    """Puts a base backup into a new folder. Its server will fetch the WAL that it needs.

    Raises:
        BarmanError: it cannot be read, or the disk is full.
    """
    shutil.rmtree(folder, ignore_errors=True)
    check_room(size(target.backup), shutil.disk_usage(folder.parent).free)
    moment = ("--target-time", target.moment.isoformat(sep=" ")) if target.moment else ()
    wanted = ("--target-tli", str(target.timeline), *moment, "--target-action", "promote", "--get-wal")
    barman("restore", *wanted, SERVER, target.backup, str(folder))
    # Barman 3.13.3 leaves them out where it puts incremental backups together.
    for name in ("pg_wal", "pg_tblspc"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    with (folder / "postgresql.auto.conf").open("a") as settings:
        # The last line of a setting counts.
        settings.write(FETCH)


def size(backup: str) -> int:
    """Returns the bytes of a base backup, with those that it needs."""
    found = backups()
    (wanted,) = [each for each in found if each.name == backup]
    folders = [HOME / SERVER / "base" / each.name for each in chain(wanted, found)]
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


def check_room(needed: int, free: int) -> None:
    """Raises `BarmanError` if a database does not fit beside the present one. Sizes are bytes."""
    if free < needed:
        raise BarmanError(
            f"{free / GIB:.1f} GiB of disk are free, and {needed / GIB:.1f} GiB are needed for the restored database"
        )


@contextmanager
def server(folder: Path) -> Iterator[None]:
    """Runs a server on a restored folder, from the end of its recovery on.

    Raises:
        BarmanError: it ends, or is not ready in time. The message is the end of its log.
    """
    with LOG.open("w") as log:
        process = subprocess.Popen(["postgres", "-D", str(folder), *OPTIONS], stdout=log, stderr=log)
    try:
        _wait_until_ready(process)
        yield
    finally:
        # SIGINT: a fast shutdown, with a checkpoint.
        process.send_signal(2)
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    ready = ["pg_isready", "--quiet", f"--host={SOCKETS}"]
    while subprocess.run(ready, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BarmanError(f"the restored database does not start: {LOG.read_text()[-1000:]}")
        time.sleep(0.2)


def sql(statement: str, database: str = "postgres") -> list[str]:
    """Returns the lines of a query in the restored server. User code may have made functions with the names of Postgres' own."""
    psql = ("psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
    server = f"host={SOCKETS} user=postgres dbname={database} options=--search_path=pg_catalog"
    return run(*psql, f"--dbname={server}", f"--command={statement}").splitlines()


def forget_recovery() -> None:
    """Removes the settings of the recovery. The next start would look for WAL again."""
    for name in SETTINGS:
        sql(f"ALTER SYSTEM RESET {name}")
