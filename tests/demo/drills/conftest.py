"""These drills have a copy of the deployment with the demo and with workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from operate.overlays import BASE, WORKER
from tests.demo.stack.conftest import PROJECT, SETTINGS, Demo, page, still, watched
from tests.stack.conftest import browser, copy_of_the_deployment

__all__ = ["browser", "page", "still", "watched"]


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """Yields the copy of the deployment."""
    settings = {**SETTINGS, "COMPOSE_FILE": f"{BASE}:{WORKER}", "RUN_ISOLATION": "worker"}
    with copy_of_the_deployment(PROJECT, request.session, settings, Demo) as stack:
        yield stack
