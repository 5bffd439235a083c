"""The code server runs as in its container: a real process, real gRPC, and the command of its health check."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import ListRepositoriesResponse

from dagster_api.waiting import seen, wait_for
from dev.processes import process
from dev.surroundings import PROJECT

SERVE = [sys.executable, "-P", "-m", "dagster_code_server.serve"]
PROBE = ["-P", "-m", "dagster_code_server.probe"]
MEND = "`docker compose start roles` sets right a role that user code has changed."


def probe(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *PROBE], env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def port_4000() -> Iterator[None]:
    """Reserves the port of code server and probe: a second worker of `make test` may run the same tests in a copy."""
    with (Path(tempfile.gettempdir()) / "code_server_port.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with socket.socket() as taken:
            if taken.connect_ex(("127.0.0.1", 4000)) == 0:
                pytest.fail("port 4000 is in use: stop what uses it")
        yield


def healthy(environ: dict[str, str]) -> bool:
    said = probe(environ)
    return seen(said.returncode == 0, said.stderr)


def test_code_server_serves_its_code_location_and_run_settings(environment: dict, port_4000: None, tmp_path: Path) -> None:
    """Webserver and daemon read image, networks and environment of runs from the code server."""
    environ = {**environment, "DAGSTER_CURRENT_IMAGE": "p/user_code:1"}
    assert probe(environ).returncode != 0
    with process(SERVE, tmp_path / "log", env=environ, cwd=PROJECT):
        wait_for("a healthy code server", lambda: healthy(environ), seconds=60, every=0.5)
        locked_out = probe({**environ, "DAGSTER_POSTGRES_USER": "nobody"})
        reply = dg.deserialize_value(DagsterGrpcClient(port=4000, host="127.0.0.1").list_repositories(), ListRepositoriesResponse)
    # A restart of the server would not help: docker/bin/restart_if_hung.
    assert locked_out.returncode == os.EX_TEMPFAIL
    assert re.fullmatch(rf"nobody cannot use the database dagster: .+ {re.escape(MEND)}\n", locked_out.stderr)
    assert reply.container_image == "p/user_code:1"
    assert f"EXPORTS_DIR={environ['EXPORTS_DIR']}" in reply.container_context["docker"]["env_vars"]
    assert [symbol.attribute for symbol in reply.repository_symbols] == ["defs"]


def test_probe_reports_a_code_location_that_does_not_load(environment: dict, port_4000: None, tmp_path: Path) -> None:
    """The server must still answer, so that the UI shows the reason."""
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "broken"\n')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/__init__.py").write_text("")
    (tmp_path / "broken/definitions.py").write_text("raise RuntimeError('no such table')")
    environ = environment

    def reason() -> str:
        said = probe(environ).stderr
        return seen(said if "does not load" in said else None, said)

    with process(SERVE, tmp_path / "log", env=environ, cwd=tmp_path):
        said = wait_for("an answer of the probe", reason, seconds=60, every=0.5)
    assert said == "the code location does not load: RuntimeError: no such table\n"


def test_code_server_exits_with_one_sentence_without_its_database(environment: dict) -> None:
    """Postgres may start late, and Docker restarts an ended container. A server that keeps running would keep the error."""
    environ = {**environment, "DAGSTER_POSTGRES_PORT": "1"}
    ended = subprocess.run(SERVE, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("Dagster's database does not answer: ")


def imported_by_probe(environ: dict[str, str]) -> set[str]:
    command = [sys.executable, "-X", "importtime", *PROBE]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stderr
    return {line.rpartition("|")[2].strip().split(".")[0] for line in said.splitlines() if line.startswith("import time:")}


def test_probe_does_not_import_dagster(environment: dict, port_4000: None) -> None:
    """The import takes a second of CPU, and `dagster api grpc-health-check` repeats it for each health check."""
    with socket.create_server(("127.0.0.1", 4000)) as listening, ThreadPoolExecutor(1) as beside:
        probed = beside.submit(imported_by_probe, environment)
        for _ in ("the port is open", "gRPC asks"):
            listening.accept()[0].close()
        listening.close()
        imported = probed.result()
    assert {"grpc", "psycopg2"} <= imported
    assert not imported & {"dagster", "dagster_shared", "sqlalchemy", "pandas"}


def test_probe_of_a_server_that_still_loads_code_imports_nothing(environment: dict, port_4000: None) -> None:
    """It runs every two seconds until the server answers. gRPC and psycopg2 would take a twelfth of a processor."""
    assert "dagster_code_server" in (imported := imported_by_probe(environment))
    assert not imported & {"grpc", "psycopg2"}


def test_code_server_exits_if_the_check_of_the_settings_fails_itself(environment: dict, tmp_path: Path) -> None:
    """A server that started all the same would serve code with settings that nobody has checked."""
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "odd"\n')
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/__init__.py").write_text("")
    (tmp_path / "odd/settings.py").write_text(
        "class SettingsError(Exception): ...\nclass Settings:\n    def from_environment(environ): return environ['NO_SUCH']\n"
    )
    ended = subprocess.run(SERVE, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "KeyError: 'NO_SUCH'")
