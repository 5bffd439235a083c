"""How scenarios are played: what is undone when one fails or is stopped, and what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from dagster_api.client import Client
from demo.evaluation.measure.figures import Style
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.results import Result
from demo.evaluation.measure.source_lines import lines_of
from demo.evaluation.play.deployment import CountingClient
from demo.evaluation.play.lanes import play_scenario
from demo.evaluation.play.progress import Progress
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.play.stopping import StoppedError, stopping, unstoppable
from demo.evaluation.scenarios.lineage.answers import AFFECTED, BEFORE, HOLDING, ORIGIN, to_open
from operate.compose import ROOT


class Databases:
    """None of them has seen a step."""

    def steps(self, _run_ids: list[str]) -> list[Any]:
        """Nothing."""
        return []


class Deployment:
    """Nothing runs there."""

    databases = Databases()


class Changing(Scenario):
    """Changes two things, and fails where it is told to."""

    name, title, lane = "changing", "Changing", "users"
    fails: ClassVar[set[str]] = set()
    undone: ClassVar[list[str]] = []

    def set_up(self) -> None:
        """The changes."""
        for what in ("first", "second"):
            self.undo.callback(self.undo_it, what)

    def undo_it(self, what: str) -> None:
        """One of them."""
        self.undone.append(what)
        self.fail(f"undo {what}")

    def fail(self, where: str) -> None:
        """If it is told to."""
        if where in self.fails:
            raise LookupError(where)

    def task_centric(self) -> None:
        """It may fail here."""
        self.fail(f"act {self.number}")

    def asset_centric(self) -> None:
        """Nothing."""

    def measure(self) -> None:
        """Which repetition it is."""
        self.add(Measure.RUNS_SPENT, "any", Style.TASK, self.number)


@pytest.fixture
def played() -> Iterator[Any]:
    """Plays three repetitions of it; returns its result and what was said."""
    Changing.undone.clear()
    progress = Progress(3)

    def play(*fails: str) -> tuple[Result, int]:
        Changing.fails = set(fails)
        result = Result(Changing)
        play_scenario(Changing, result, 3, Deployment, progress)  # type: ignore[arg-type]
        return result, progress.done

    yield play
    stopping.clear()


def test_every_repetition_undoes_its_changes_the_last_first(played: Any) -> None:
    """And knows its number."""
    result, done = played()
    assert [one.figures[0].value for one in result.played] == [1, 2, 3]
    assert Changing.undone == ["second", "first"] * 3
    assert (result.error, done) == ("", 3)


def test_a_repetition_that_fails_is_the_last_and_all_is_undone(played: Any) -> None:
    """Earlier measurements must stay."""
    result, done = played("act 2")
    assert [one.figures[0].value for one in result.played] == [1]
    assert Changing.undone == ["second", "first"] * 2
    assert (result.error, done) == ("LookupError: act 2", 3)


def test_what_cannot_be_undone_hides_neither_the_error_nor_the_rest(played: Any) -> None:
    """Both are told."""
    result, _ = played("act 1", "undo second")
    assert Changing.undone == ["second", "first"]
    assert result.error == "LookupError: undo second, after LookupError: act 1"


def test_nothing_begins_after_a_stop(played: Any) -> None:
    """A scenario under way ends at its next call."""
    stopping.set()
    result, done = played()
    assert (result.played, result.error, done) == ([], "", 0)


def test_every_call_can_be_stopped_but_those_that_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    """These are what is left to do."""
    monkeypatch.setattr(Client, "query", lambda *_, **__: {"version": "1"})
    client = CountingClient("http://nowhere")
    assert (client.query("{ version }"), client.calls) == ({"version": "1"}, 1)
    stopping.set()
    try:
        with pytest.raises(StoppedError):
            client.query("{ version }")
        with unstoppable():
            client.query("{ version }")
        with pytest.raises(StoppedError):
            client.query("{ version }")
    finally:
        stopping.clear()
    assert client.calls == 2


def test_every_definition_that_holds_an_answer_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test covers lineage questions. No code answers questions about the source's publications."""
    monkeypatch.setenv("USER_CODE_SOURCE", str(ROOT / "user_code/src/user_code"))
    assert all(lines_of(file, name) > 0 for definitions in HOLDING.values() for file, name in definitions)
    assert to_open(Style.TASK, [AFFECTED, BEFORE]) == 2
    assert to_open(Style.ASSET, [ORIGIN, AFFECTED]) == 3
    assert to_open(Style.TASK, []) == 0
