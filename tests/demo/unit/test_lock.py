"""The lock of the demo's code location is the one that `make up` would write."""

from __future__ import annotations

from operate.compose import ROOT
from operate.lock import is_current


def test_lock_of_the_demo_is_current() -> None:
    """Otherwise the first `make up` of each clone would make it again, and change a file that Git has."""
    assert is_current(ROOT / "locations/user_code/requirements.txt", ROOT / "user_code")
