"""`make outdated` asks the index of uv."""

from __future__ import annotations

from scripts.outdated import newest_packages


def test_newest_patch_version_of_a_package_is_found() -> None:
    """Its maintainers may have mended a fault since. idna 3.7 was the last of its line."""
    found = newest_packages({"requests": "2.32.0", "idna": "3.7"})
    major, minor, patch = map(int, found["requests"].split("."))
    assert (major, minor, found["idna"]) == (2, 32, "3.7")
    assert patch >= 3
