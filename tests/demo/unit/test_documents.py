"""The tests read the documents of the demo, and the paragraphs of the README that lead to them."""

from __future__ import annotations

import re

import pytest

from operate.compose import ROOT
from tests.conftest import repository_text
from tests.prose import late_actors, long_sentences, unwrapped

DOCUMENTS = ("demo/README.md", "demo/tour.md")


def test_readme_links_into_the_demo_lead_to_existing_files() -> None:
    """A broken link stops a reader. The pictures of the README are links too."""
    links = re.findall(r"\]\((demo/[^)#]+)[^)]*\)", repository_text("README.md"))
    assert len(links) > 3
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_uses_only_existing_make_targets_of_the_demo() -> None:
    """A reader types these commands."""
    verbs = set(re.findall(r"^([a-z-]+):.*## ", repository_text("demo/Makefile"), re.MULTILINE))
    text = "\n\n".join(paragraph for paragraph in repository_text("README.md").split("\n\n") if "(demo/" in paragraph)
    used = set(re.findall(r"`make ([a-z-]+)", text))
    assert used == {"evaluate"} <= verbs


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_of_the_demo_are_understood_at_first_sight(document: str) -> None:
    """Many readers learned English as a second language."""
    text = repository_text(document)
    assert (long_sentences(text), late_actors(text), unwrapped(text)) == ([], [], [])
