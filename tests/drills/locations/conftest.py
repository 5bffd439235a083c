"""These drills have a copy of the repository as the tests of code locations have it."""

from tests.locations.conftest import house

__all__ = ["house"]
