"""The picture of the architecture is that of the Compose file."""

from __future__ import annotations

from scripts.architecture import BLOCK, PAGE, picture


def test_the_picture_shows_the_services_and_zones_of_the_compose_file() -> None:
    """A reader trusts it; `python -m scripts.architecture` writes it anew."""
    assert BLOCK.findall(PAGE.read_text()) == [picture()]
