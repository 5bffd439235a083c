"""Docker describes the containers of runs and services."""

from __future__ import annotations

import json

import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.stack.conftest import PROJECT, Stack
from tests.stack.runs import container_description, held_run

pytestmark = pytest.mark.timeout(300)


def test_ui_returns_the_output_of_a_run_after_its_container_is_removed(still: Stack) -> None:
    """Users read stdout and stderr in the UI when they look for the cause of a failure."""
    ended = still.succeeds("quick_job")
    container_id = ended.tags["docker/container_id"]
    # The process of a run ends after the run has succeeded.
    run(["docker", "wait", container_id], capture=True)
    run(["docker", "rm", container_id], capture=True)
    stdout, stderr = still.client.output(ended.run_id)
    assert "said on stdout\n" in stdout
    assert "STEP_SUCCESS" in stderr


def test_run_has_its_own_container_with_limits_and_without_capabilities(still: Stack) -> None:
    """User code must not use up the machine, change its image, or reach other networks and volumes."""
    described = container_description(still.succeeds("quick_job"))
    host = described["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["ReadonlyRootfs"], host["CapDrop"]) == (2**30, 256, True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert list(described["NetworkSettings"]["Networks"]) == [f"{PROJECT}_runs"]
    assert {mount.split(":")[0] for mount in host["Binds"]} == {
        f"{PROJECT}_{volume}" for volume in ("secrets_code", "compute_logs", "op_outputs", "exports", "user_code_data")
    }
    assert described["Config"]["Image"] == f"{PROJECT}/user_code:local"


def test_docker_inspect_shows_no_password(still: Stack) -> None:
    """Docker shows the environment and the command line of each container, also of a run's container."""
    run_container = still.succeeds("quick_job").tags["docker/container_id"]
    services = still.compose("ps", "--all", "--quiet").split()
    described = run(["docker", "inspect", *services, run_container], capture=True)
    pgpass = still.exec("user_code", "cat", "/run/secrets/pgpass")
    passwords = [line.split(":")[4] for line in pgpass.splitlines()]
    assert len(passwords) == 3
    assert all(len(password) > 40 and password not in described for password in passwords)
    assert "POSTGRES_PASSWORD=" not in described


def test_terminate_cancels_a_hanging_run_and_ends_its_container(still: Stack) -> None:
    """A container that continues would use memory, and could still change data."""
    run_id = held_run(still)
    still.client.terminate(run_id)
    ended = still.client.wait(run_id, seconds=60)
    assert ended.status == "CANCELED"
    state = container_description(ended)["State"]
    wait_for("the end of its container", lambda: seen(not container_description(ended)["State"]["Running"], state), seconds=60)


def test_service_containers_have_health_checks_limits_and_bounded_logs(still: Stack) -> None:
    """The static tests read only the Compose files. Only the webserver may publish a port, and only on loopback."""
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
