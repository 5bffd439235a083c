"""The containers of runs and services, as the engine describes them."""

from __future__ import annotations

import json

import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.stack.conftest import PROJECT, Stack
from tests.stack.runs import container, held_run

pytestmark = pytest.mark.timeout(300)


def test_the_output_of_a_run_outlives_its_container(still: Stack) -> None:
    """Its stdout and stderr are in the UI."""
    ended = still.succeeds("quick_job")
    container_id = ended.tags["docker/container_id"]
    # The run has succeeded before its process has ended.
    run(["docker", "wait", container_id], capture=True)
    run(["docker", "rm", container_id], capture=True)
    stdout, stderr = still.client.output(ended.run_id)
    assert "said on stdout\n" in stdout
    assert "STEP_SUCCESS" in stderr


def test_a_run_has_a_container_of_its_own_with_nothing_to_take(still: Stack) -> None:
    """Limits, no capabilities, a read-only root, the project's networks and volumes."""
    described = container(still.succeeds("quick_job"))
    host = described["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["ReadonlyRootfs"], host["CapDrop"]) == (2**30, 256, True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert list(described["NetworkSettings"]["Networks"]) == [f"{PROJECT}_runs"]
    assert {mount.split(":")[0] for mount in host["Binds"]} == {
        f"{PROJECT}_{volume}" for volume in ("secrets_code", "compute_logs", "op_outputs", "exports", "user_code_data")
    }
    assert described["Config"]["Image"] == f"{PROJECT}/user_code:local"


def test_no_container_shows_a_password(still: Stack) -> None:
    """Neither in its environment nor in its command line, the container of a run included."""
    run_container = still.succeeds("quick_job").tags["docker/container_id"]
    services = still.compose("ps", "--all", "--quiet").split()
    described = run(["docker", "inspect", *services, run_container], capture=True)
    pgpass = still.compose("exec", "-T", "user_code", "cat", "/run/secrets/pgpass")
    passwords = [line.split(":")[4] for line in pgpass.splitlines()]
    assert len(passwords) == 2
    assert all(len(password) > 40 and password not in described for password in passwords)
    assert "POSTGRES_PASSWORD=" not in described


def test_a_hanging_run_is_terminated(still: Stack) -> None:
    """Its container ends, the run is cancelled."""
    run_id = held_run(still)
    still.client.terminate(run_id)
    ended = still.client.wait(run_id, seconds=60)
    assert ended.status == "CANCELED"
    state = container(ended)["State"]
    wait_for("the end of its container", lambda: seen(not container(ended)["State"]["Running"], state), seconds=60)


def test_the_service_containers_are_what_the_compose_text_says(still: Stack) -> None:
    """Every long-lived one has a health check, limits, an init process and bounded logs; only the webserver is published."""
    ids = still.compose("ps", "--quiet").split()
    described = json.loads(run(["docker", "inspect", *ids], capture=True))
    for item in described:
        name, host = item["Config"]["Labels"]["com.docker.compose.service"], item["HostConfig"]
        assert item["State"]["Health"]["Status"] == "healthy", name
        assert (host["Init"], host["RestartPolicy"]["Name"]) == (True, "unless-stopped"), name
        assert host["Memory"] > 0, name
        assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}, name
        published = [binding["HostIp"] for bindings in (host["PortBindings"] or {}).values() for binding in bindings]
        assert published == (["127.0.0.1"] if name == "webserver" else []), name
        holds_socket = any("docker.sock" in mount["Source"] for mount in item["Mounts"])
        assert holds_socket == (name == "launch_gateway"), name
