"""The tests of this folder share two channels and a teller."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_services.monitor.telling import Teller
from operate.compose import ROOT
from tests.inbox import Inbox


@pytest.fixture
def inboxes() -> Iterator[tuple[Inbox, Inbox]]:
    """Yields two channels."""
    both = Inbox(), Inbox()
    yield both
    for each in both:
        each.close()


@pytest.fixture
def teller(tmp_path: Path, inboxes: tuple[Inbox, Inbox], monkeypatch: pytest.MonkeyPatch) -> Teller:
    """Returns a teller with both channels. It sends from a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "docker/dagster/src"))
    urls = tmp_path / "urls"
    urls.write_text("# ours\n" + "".join(f"  {each.url}\n" for each in inboxes))
    return Teller(urls, tmp_path / "episodes.json")
