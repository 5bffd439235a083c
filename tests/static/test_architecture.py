"""The architecture page shows a picture of the Compose file."""

from __future__ import annotations

from scripts.architecture import BLOCK, PAGE, picture


def test_picture_shows_services_and_zones_of_compose_file() -> None:
    """A reader trusts the picture. `python -m scripts.architecture` writes it again."""
    assert BLOCK.findall(PAGE.read_text()) == [picture()]
