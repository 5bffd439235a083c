"""With LOG_FORMAT=json, a program can read every line of every service and of every run."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from operate.compose import run
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(600)
# The others print nothing if all goes well.
SPEAKING = {
    *("alertmanager", "backup", "broker", "connection_pool", "daemon", "edge", "postgres", "postgres_exporter"),
    *("prometheus", "run_connection_pool", "user_code", "user_code_worker", "webserver", "webserver_viewers", "worker_gateway"),
}


def lines(container: str) -> list[dict[str, Any]]:
    """Returns each line of a container's log, read as JSON. A line that is not JSON is the failure's message."""
    logs = subprocess.run(["docker", "logs", container], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    found = []
    for line in logs.decode().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            pytest.fail(f"not JSON: {line}")
    return found


def listed(*labels: str) -> list[dict[str, Any]]:
    """Returns what Docker says of all containers with these labels."""
    filters = (part for label in labels for part in ("--filter", f"label={label}"))
    ids = run(["docker", "ps", "--all", "--quiet", *filters], capture=True).split()
    found: list[dict[str, Any]] = json.loads(run(["docker", "inspect", *ids], capture=True))
    return found


def test_every_line_of_every_service_is_json(still: Stack) -> None:
    """One line of another format makes a collector drop it, and that one may be the reason of an outage."""
    still.succeeds("letters_job")
    still.succeeds("letters_job", tags={"dagster/isolation": "container"})
    services = {
        each["Config"]["Labels"]["com.docker.compose.service"]: lines(each["Id"])
        for each in listed(f"com.docker.compose.project={still.project}")
    }
    assert {name for name, found in services.items() if found} >= SPEAKING
    for name, found in services.items():
        for line in found:
            assert line.keys() <= {"time", "level", "run_id", "message"}, name
            assert line.keys() >= {"time", "message"}, name
    assert {line.get("level") for line in services["postgres"]} >= {"INFO"}


def test_lines_of_a_run_name_it(still: Stack) -> None:
    """An operator looks for all that a run has printed, wherever it was executed."""
    in_container = still.succeeds("letters_job", tags={"dagster/isolation": "container"}).run_id
    [container] = listed(f"dagster/run_id={in_container}")
    found = lines(container["Id"])
    assert {line["run_id"] for line in found} == {in_container}
    in_worker = still.succeeds("letters_job").run_id
    [worker] = listed(f"com.docker.compose.project={still.project}", "com.docker.compose.service=user_code_worker")
    assert "RUN_SUCCESS" in "\n".join(line["message"] for line in lines(worker["Id"]) if line.get("run_id") == in_worker)
