"""Readers who learned English as a second language understand the documents at first sight.

Each sentence is short, and starts with its actor.
"""

from __future__ import annotations

import pytest

from tests.conftest import repository_text
from tests.prose import late_actors, long_sentences, prose, unwrapped

DOCUMENTS = (
    "docs/architecture.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/code-locations.md",
    "docs/operating.md",
    "docs/security.md",
    "docs/measurements.md",
)


def test_prose_yields_sentences_of_every_kind_of_text() -> None:
    """Without this test, the next tests could pass because `prose` finds no sentence."""
    text = "# A title\n\nOne fact. Another\nfact!\n\n- an *entry*, `a.b c`\n\n```sh\nno text\n```\n"
    text += "\n| a cell. Two | [a link](x.md) |\n|---|---|\n"
    assert list(prose(text)) == ["A title", "One fact.", "Another fact!", "an entry, code", "a cell.", "Two", "a link"]


def test_each_fault_of_a_text_is_found() -> None:
    """Without this test, the next one could pass because nothing counts as a fault."""
    assert long_sentences("word " * 23) == [("word " * 23).strip()]
    assert late_actors("Of all words this is the first.") == ["Of all words this is the first."]
    assert unwrapped("word " * 21) == ["word " * 21]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_are_understood_at_first_sight(document: str) -> None:
    """Many readers learned English as a second language."""
    text = repository_text(document)
    assert (long_sentences(text), late_actors(text), unwrapped(text)) == ([], [], [])
