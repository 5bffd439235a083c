"""One copy for all tests of this folder: to build and to start one takes minutes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.locations.house import House, hosting

# Runs that the tests of deploys launch would take all processors: one at a time does.
SETTINGS = "MAX_CONCURRENT_RUNS=1\nOUTPUT_STORE=postgres\n"


@pytest.fixture(scope="package")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yields the running copy with the demo and two projects."""
    with hosting(request, tmp_path_factory.mktemp("changes"), ("catalog", "reports"), SETTINGS) as house:
        yield house
