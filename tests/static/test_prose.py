"""Readers who learned English as a second language understand the documents at first sight.

Each sentence is short, and starts with its actor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.conftest import repository_text

DOCUMENTS = (
    "docs/architecture.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/operating.md",
    "docs/security.md",
    "docs/measurements.md",
)
WORDS = 22
COLUMNS = 100
# A sentence with one of these first words names its actor late or never.
OPENINGS = {"What", "Who", "Whoever", "Of", "By"}
# Markdown: code between fences, and marks that only change the look of a text.
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
CODE, LINK, MARK = (
    re.compile(r"`[^`]*`"),
    re.compile(r"!?\[([^]]*)\]\([^)]*\)"),
    re.compile(r"[*_<>]|^#+ |^- |^\d+\. ", re.MULTILINE),
)


def prose(text: str) -> Iterator[str]:
    """Yields the sentences of a document's paragraphs, list entries and table cells."""
    text = LINK.sub(r"\1", CODE.sub("code", FENCED.sub("", text)))
    for block in re.split(r"\n *\n|\n(?=#|- |\d+\. |\|)|\|", text):
        for sentence in re.split(r"(?<=[.!?]) +(?=\S)", " ".join(MARK.sub("", block.strip()).split())):
            if re.search(r"\w", sentence):
                yield sentence


def test_prose_yields_sentences_of_every_kind_of_text() -> None:
    """Without this test, the next tests could pass because `prose` finds no sentence."""
    text = "# A title\n\nOne fact. Another\nfact!\n\n- an *entry*, `a.b c`\n\n```sh\nno text\n```\n"
    text += "\n| a cell. Two | [a link](x.md) |\n|---|---|\n"
    assert list(prose(text)) == ["A title", "One fact.", "Another fact!", "an entry, code", "a cell.", "Two", "a link"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_have_no_long_sentence(document: str) -> None:
    """A short sentence states one fact, and a reader understands it at once."""
    counted = [(len(sentence.split()), sentence) for sentence in prose(repository_text(document))]
    assert [pair for pair in counted if pair[0] > WORDS] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_document_sentences_start_with_their_actor(document: str) -> None:
    """A reader must know at once who acts. The order is actor, verb, object."""
    assert [sentence for sentence in prose(repository_text(document)) if sentence.split()[0].strip('",') in OPENINGS] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_wrap_their_lines(document: str) -> None:
    """A diff then shows only the changed sentence. Tables, and lines without a blank, may be longer."""
    text = FENCED.sub("", repository_text(document))
    free = re.compile(r"\||\s*(?:- )?(?:Open )?(?:`[^`]*`|\S+)[,.:]?$")
    assert [line for line in text.splitlines() if len(line) > COLUMNS and not free.match(line)] == []
