"""These drills have a copy of the repository as the tests of code locations have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.locations.house import House, hosting


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yields the running copy with the demo and the projects in the module's NAMES. SETTINGS are lines of the copy's .env."""
    with hosting(request, tmp_path_factory.mktemp("locations"), request.module.NAMES, request.module.SETTINGS) as house:
        yield house
