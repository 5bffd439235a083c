"""The tests start a copy of the deployment whose runs are executed by a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from operate.overlays import BASE, WORKER
from tests.stack.conftest import CODE, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
PROJECT = f"workers_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
SLOTS = 3
# A lost worker is noticed after this and one look of the run monitor, which comes every 15 s.
LOST_SECONDS = 8


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests."""
    file = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES, healthcheck={"interval": "3s"})
    settings = {
        **SETTINGS,
        "COMPOSE_FILE": f"{BASE}:{WORKER}:{file}",
        "RUN_ISOLATION": "worker",
        "WORKER_CONCURRENCY": str(SLOTS),
        "WORKER_LOST_SECONDS": str(LOST_SECONDS),
    }
    with copy_of_the_deployment(PROJECT, request.session, settings) as stack:
        yield stack
