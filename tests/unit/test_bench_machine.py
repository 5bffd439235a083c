"""`make bench` adds up what Docker shows of the memory of each service."""

from __future__ import annotations

import pytest

from bench.machine import mebibytes, used_seconds


@pytest.mark.parametrize(("shown", "mib"), [("512B", 512 / 2**20), ("840KiB", 840 / 1024), ("207.1MiB", 207.1), ("1.5GiB", 1536)])
def test_memory_is_read_in_every_unit_of_docker(shown: str, mib: float) -> None:
    assert mebibytes(shown) == pytest.approx(mib)


@pytest.mark.parametrize("shown", ["usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n", "1500000000\n"])
def test_processor_time_is_read_from_both_versions_of_control_groups(shown: str) -> None:
    """Older distributions have the first version."""
    assert used_seconds(shown) == 1.5
