"""These tests share a copy of the repository."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.locations.house import House, hosting


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yields the running copy with the demo and the projects in the module's NAMES.

    The module's SETTINGS, if it has any, are lines of the copy's .env.
    """
    above = tmp_path_factory.mktemp("locations")
    with hosting(request, above, request.module.NAMES, getattr(request.module, "SETTINGS", "")) as house:
        yield house
