"""Prose that reads at first sight, for readers whose first language is another.

Its sentences are short, and start with their actor.
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
# Inversions: the actor comes late or never.
OPENINGS = {"What", "Who", "Whoever", "Of", "By"}
# Of Markdown: what is between the fences of code, and what only looks different.
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
CODE, LINK, MARK = (
    re.compile(r"`[^`]*`"),
    re.compile(r"!?\[([^]]*)\]\([^)]*\)"),
    re.compile(r"[*_<>]|^#+ |^- |^\d+\. ", re.MULTILINE),
)


def prose(text: str) -> Iterator[str]:
    """The sentences of a document: of its paragraphs, of the entries of its lists, of the cells of its tables."""
    text = LINK.sub(r"\1", CODE.sub("code", FENCED.sub("", text)))
    for block in re.split(r"\n *\n|\n(?=#|- |\d+\. |\|)|\|", text):
        for sentence in re.split(r"(?<=[.!?]) +(?=\S)", " ".join(MARK.sub("", block.strip()).split())):
            if re.search(r"\w", sentence):
                yield sentence


def test_sentences_are_found_in_every_kind_of_text() -> None:
    """Else the next test could pass by finding none."""
    text = "# A title\n\nOne fact. Another\nfact!\n\n- an *entry*, `a.b c`\n\n```sh\nno text\n```\n"
    text += "\n| a cell. Two | [a link](x.md) |\n|---|---|\n"
    assert list(prose(text)) == ["A title", "One fact.", "Another fact!", "an entry, code", "a cell.", "Two", "a link"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_sentence_is_long(document: str) -> None:
    """One fact a sentence."""
    counted = [(len(sentence.split()), sentence) for sentence in prose(repository_text(document))]
    assert [pair for pair in counted if pair[0] > WORDS] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_sentences_start_with_their_actor(document: str) -> None:
    """Actor, verb, object."""
    assert [sentence for sentence in prose(repository_text(document)) if sentence.split()[0].strip('",') in OPENINGS] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_prose_is_wrapped(document: str) -> None:
    """A diff then shows the sentence that changed. Tables, and what has no blank to wrap at, are free."""
    text = FENCED.sub("", repository_text(document))
    free = re.compile(r"\||\s*(?:- )?(?:Open )?(?:`[^`]*`|\S+)[,.:]?$")
    assert [line for line in text.splitlines() if len(line) > COLUMNS and not free.match(line)] == []
