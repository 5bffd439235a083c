"""One copy for all tests of this folder: to build and to start one takes minutes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.locations.house import House, hosting

# Projects in the shapes that teams have.
NAMES = ("analytics", "catalog", "legacy", "reports")
# Health checks of six code servers, and the demo's schedules and sensor, would take CPU from the tests.
NEVER = "0 0 1 1 *"
SETTINGS = f"""HEALTH_INTERVAL=5m
USERS_ASSETS_CRON={NEVER}
DATA_EXTRACTION_CRON={NEVER}
USERS_FRESHNESS_SECONDS=86400
"""


@pytest.fixture(scope="package")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yields the running copy with the demo and the projects."""
    with hosting(request, tmp_path_factory.mktemp("locations"), NAMES, SETTINGS) as house:
        yield house
