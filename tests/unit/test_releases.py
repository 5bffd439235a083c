"""A deployment remembers its releases, and can go back."""

from __future__ import annotations

import pytest

from operate.compose import CommandError
from operate.releases import before, surplus, with_release


def test_with_release_adds_a_tag_once() -> None:
    """`make deploy` without a change is no release."""
    assert with_release([], None, "a") == ["a"]
    assert with_release(["a"], "a", "b") == ["a", "b"]
    assert with_release(["a", "b"], "b", "b") == ["a", "b"]


def test_with_release_lists_a_release_that_returns_once() -> None:
    """A team takes a change back in Git, and deploys the earlier content."""
    assert with_release(["a", "b"], "b", "a") == ["b", "a"]
    assert before("shop", ["b", "a"], "a") == "b"


def test_before_of_a_release_that_is_not_listed_is_the_last_one() -> None:
    """Somebody has set another tag in .env by hand."""
    assert before("shop", ["a", "b"], "x") == "b"


def test_with_release_knows_the_release_of_make_up() -> None:
    """The first `make deploy` follows a `make up`, and BACK=1 must lead to that."""
    assert with_release([], "up", "a") == ["up", "a"]
    assert with_release(["a"], "up", "b") == ["a", "up", "b"]


def test_with_release_after_a_step_back_drops_what_came_after() -> None:
    """BACK=1 then leads to the release that was good, not to the one that was taken back."""
    assert with_release(["a", "b", "c"], "b", "d") == ["a", "b", "d"]


def test_before_returns_the_release_before_the_current_one() -> None:
    """A second BACK=1 goes one step further."""
    assert before("shop", ["a", "b", "c"], "c") == "b"
    assert before("shop", ["a", "b", "c"], "b") == "a"


@pytest.mark.parametrize(("tags", "current"), [([], None), ([], "x"), (["a"], "a"), (["a", "b"], "a")])
def test_before_rejects_a_step_back_from_the_first_release(tags: list[str], current: str | None) -> None:
    """There is no image to go back to."""
    with pytest.raises(CommandError, match=r"^shop has no earlier release to go back to$"):
        before("shop", tags, current)


def test_surplus_keeps_the_last_three_releases_and_the_current_one() -> None:
    """After several steps back, the current release may be an old one."""
    assert surplus(["a", "b", "c", "d", "e", "next"], ["a", "b", "c", "d", "e"], "a") == ["b", "next"]
