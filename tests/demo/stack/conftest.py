"""The demo has a copy of the deployment of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.conftest import SETTINGS, Stack, copy_of_the_deployment, page, still

__all__ = ["page", "still"]
PROJECT = "demo_test"


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Returns the copy, with its schedules off."""
    with copy_of_the_deployment(PROJECT, request.session, SETTINGS) as stack:
        yield stack
