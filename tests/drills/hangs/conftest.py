"""These drills have a copy of the deployment whose health checks run every ten seconds, to wait for less."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from operate.overlays import BASE
from tests.stack.conftest import CODE, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
PROJECT = f"hangs_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
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
    folder = tmp_path_factory.mktemp("code_location")
    file = overlay(CODE, folder, environment=VARIABLES)
    often = folder / "often.yml"
    often.write_text(json.dumps({"services": {name: {"healthcheck": {"interval": "10s"}} for name in SERVICES}}))
    with copy_of_the_deployment(PROJECT, request.session, {**SETTINGS, "COMPOSE_FILE": f"{BASE}:{file}:{often}"}) as stack:
        yield stack
