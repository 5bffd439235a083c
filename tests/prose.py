"""Finds the sentences of a document that a reader does not understand at first sight."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def long_sentences(text: str) -> list[str]:
    """Returns the sentences with more than 22 words."""
    return [sentence for sentence in prose(text) if len(sentence.split()) > WORDS]


def late_actors(text: str) -> list[str]:
    """Returns the sentences whose first word hides the actor."""
    return [sentence for sentence in prose(text) if sentence.split()[0].strip('",') in OPENINGS]


def unwrapped(text: str) -> list[str]:
    """Returns the lines with more than 100 columns. Tables, and lines without a blank, may be longer."""
    free = re.compile(r"\||\s*(?:- )?(?:Open )?(?:`[^`]*`|\S+)[,.:]?$")
    return [line for line in FENCED.sub("", text).splitlines() if len(line) > COLUMNS and not free.match(line)]
