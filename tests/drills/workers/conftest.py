"""The tests start a copy of the deployment whose runs are executed by a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from operate.compose import free_port, run
from operate.overlays import BASE, WORKER, WORKER_GATEWAY
from tests.stack.conftest import CODE, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
PROJECT = f"workers_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
SLOTS = 3
# A lost worker is noticed after this and one look of the run monitor, which comes every 15 s.
LOST_SECONDS = 8
GATEWAY = "{{(index .IPAM.Config 0).Gateway}}"


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests."""
    file = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES)
    settings = {
        **SETTINGS,
        "COMPOSE_FILE": f"{BASE}:{WORKER}:{WORKER_GATEWAY}:{file}",
        "RUN_ISOLATION": "worker",
        "WORKER_CONCURRENCY": str(SLOTS),
        "WORKER_LOST_SECONDS": str(LOST_SECONDS),
        "OUTPUT_STORE": "postgres",
        # Worker hosts are containers on this machine: they reach it by the address of Docker's bridge.
        "WORKER_GATEWAY_ADDRESS": run(["docker", "network", "inspect", "bridge", "--format", GATEWAY], capture=True).strip(),
        "WORKER_GATEWAY_PORT": str(free_port()),
    }
    with copy_of_the_deployment(PROJECT, request.session, settings) as stack:
        yield stack
