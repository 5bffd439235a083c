"""These tests use the servers of the integration tests, and the demo's source system beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.local_source import neighbour
from dev.surroundings import surroundings
from tests.integration.conftest import folder, in_environment, migrated

__all__ = ["folder", "in_environment", "migrated"]


@pytest.fixture(scope="package")
def environment(folder: Path) -> Iterator[dict[str, str]]:
    """Yields the environment variables that a Dagster process of the demo needs."""
    with surroundings(folder, [neighbour]) as environ:
        yield environ
