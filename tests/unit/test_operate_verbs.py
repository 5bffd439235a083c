"""`python3 -m operate` knows its verbs, and what each takes."""

from __future__ import annotations

import pytest

from operate.__main__ import VERBS, parse
from tests.conftest import repository_text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["smoke"], []),
        (["smoke", "one_job", "other_job"], ["one_job", "other_job"]),
        (["user", "anna", "viewer"], ["anna", "viewer"]),
        (["destroy"], []),
        (["destroy", "--yes"], ["--yes"]),
        (["location", "shop", "../shop"], ["shop", "../shop"]),
        (["location", "shop", "--remove"], ["shop", "--remove"]),
        (["deploy", "--back", "shop"], ["shop", "--back"]),
    ],
)
def test_verb_gets_its_words(arguments: list[str], words: list[str]) -> None:
    """The Makefile passes the words that a person types."""
    assert parse(arguments).words == words


@pytest.mark.parametrize("arguments", [["down", "--destroy"], ["up", "EDGE=1"], ["down", "--yes"], ["jump"], []])
def test_unknown_verb_or_word_ends_with_a_message(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A verb that ignored a word would do something else than its user believes."""
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)
    assert capsys.readouterr().err.splitlines()[-1].startswith("operate")


def test_makefile_has_a_target_for_each_verb() -> None:
    """A person types `make`, not `python3 -m operate`."""
    makefile = repository_text("Makefile")
    assert [verb for verb in VERBS if f"python3 -m operate {verb}" not in makefile] == []
