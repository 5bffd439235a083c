"""This drill has a copy of the deployment of its own, because it fills the database."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from operate.overlays import BASE
from tests.stack.conftest import CODE, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
PROJECT = f"retention_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests."""
    file = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES)
    with copy_of_the_deployment(PROJECT, request.session, {**SETTINGS, "COMPOSE_FILE": f"{BASE}:{file}"}) as stack:
        yield stack
