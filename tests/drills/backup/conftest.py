"""These drills have a copy of the deployment with the service `backup`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from operate.overlays import BACKUP, BASE
from tests.stack.conftest import CODE, PROJECT, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
# Little, so that a test can write more.
WAL_KEEP = "64MB"


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests."""
    file = overlay(CODE, tmp_path_factory.mktemp("code_location"), environment=VARIABLES)
    settings = {**SETTINGS, "COMPOSE_FILE": f"{BASE}:{BACKUP}:{file}", "BACKUP_WAL_KEEP": WAL_KEEP}
    with copy_of_the_deployment(PROJECT, request.session, settings) as stack:
        yield stack
