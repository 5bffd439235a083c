"""The networks of a deployment with workers. A container in a zone reaches only the services that it needs."""

from __future__ import annotations

import json

import pytest

from operate.compose import run
from tests.drills.workers.conftest import PROJECT
from tests.stack.conftest import Stack
from tests.stack.reaching import addresses, reached_services
from tests.stack.test_zones import PORTS, REACHES

pytestmark = pytest.mark.timeout(300)
WITH_WORKERS = {
    **REACHES,
    "dispatch": {"broker"},
    "work": {"broker"},
    "worker_hosts": {"worker_gateway", "outside"},
    "worker_gateway": {"worker_gateway", "broker", "run_connection_pool"},
}


@pytest.mark.parametrize("zone", ["dispatch", "work", "runs", "storage", "worker_hosts", "worker_gateway"])
def test_container_in_a_zone_reaches_only_the_listed_services(stack: Stack, zone: str) -> None:
    """Workers execute user code, which must reach neither Dagster's own pool nor the webserver."""
    places = addresses(stack.compose("ps", "--quiet").split(), {**PORTS, "broker": 6379, "worker_gateway": 7443})
    assert reached_services(PROJECT, zone, places) == WITH_WORKERS[zone] - {"outside"}


def test_table_of_zones_lists_every_network(stack: Stack) -> None:
    """A new network without a line in the table would have no test."""
    assert set(json.loads(stack.compose("config", "--format", "json"))["networks"]) == set(WITH_WORKERS)


def test_worker_holds_neither_the_docker_socket_nor_capabilities(stack: Stack) -> None:
    """Runs share the worker's container, so it is as hard as that of a run."""
    container = stack.compose("ps", "--quiet", "user_code_worker").strip()
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    host = described["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["SecurityOpt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert not any("docker.sock" in mount["Source"] for mount in described["Mounts"])
    assert sorted(described["NetworkSettings"]["Networks"]) == [f"{PROJECT}_runs", f"{PROJECT}_work"]
    assert stack.exec("user_code_worker", "id", "-u").strip() == "10001"
