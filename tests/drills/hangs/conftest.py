"""These drills have a copy of the deployment whose health checks run every ten seconds, to wait for less."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from operate.overlays import BASE
from tests.stack.conftest import CODE, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
PROJECT = f"hangs_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
OFTEN = {"HEALTH_INTERVAL": "10s"}
SERVICES = (
    "connection_pool",
    "daemon",
    "launch_gateway",
    "maintenance",
    "monitor",
    "postgres",
    "run_connection_pool",
    "user_code",
    "users_api",
    "webserver",
)


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests."""
    file = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES)
    with copy_of_the_deployment(PROJECT, request.session, {**SETTINGS, **OFTEN, "COMPOSE_FILE": f"{BASE}:{file}"}) as stack:
        yield stack
