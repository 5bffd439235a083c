"""The evaluation plays scenarios. It undoes their changes after a failure or a stop, and counts its calls."""

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
    """Stands for databases that contain no step."""

    def steps(self, _run_ids: list[str]) -> list[Any]:
        """Returns no step."""
        return []


class Deployment:
    """Stands for a deployment without runs."""

    databases = Databases()


class Changing(Scenario):
    """Makes two changes, and fails where the test wants it."""

    name, title, lane = "changing", "Changing", "users"
    fails: ClassVar[set[str]] = set()
    undone: ClassVar[list[str]] = []

    def set_up(self) -> None:
        """Makes two changes, and registers how to undo them."""
        for what in ("first", "second"):
            self.undo.callback(self.undo_it, what)

    def undo_it(self, what: str) -> None:
        """Undoes one change."""
        self.undone.append(what)
        self.fail(f"undo {what}")

    def fail(self, where: str) -> None:
        """Raises an error if the test wants a failure here."""
        if where in self.fails:
            raise LookupError(where)

    def task_centric(self) -> None:
        """Fails if the test wants it."""
        self.fail(f"act {self.number}")

    def asset_centric(self) -> None:
        """Does nothing."""

    def measure(self) -> None:
        """Records the number of the repetition."""
        self.add(Measure.RUNS_SPENT, "any", Style.TASK, self.number)


@pytest.fixture
def played() -> Iterator[Any]:
    """Yields a function that plays three repetitions. It returns their result and the progress."""
    Changing.undone.clear()
    progress = Progress(3)

    def play(*fails: str) -> tuple[Result, int]:
        Changing.fails = set(fails)
        result = Result(Changing)
        play_scenario(Changing, result, 3, Deployment, progress)  # type: ignore[arg-type]
        return result, progress.done

    yield play
    stopping.clear()


def test_every_repetition_undoes_its_changes_in_reverse_order(played: Any) -> None:
    """A later change may depend on an earlier one. Each repetition must also know its number."""
    result, done = played()
    assert [one.figures[0].value for one in result.played] == [1, 2, 3]
    assert Changing.undone == ["second", "first"] * 3
    assert (result.error, done) == ("", 3)


def test_failed_repetition_undoes_its_changes_and_is_the_last(played: Any) -> None:
    """The report must keep the measurements of earlier repetitions."""
    result, done = played("act 2")
    assert [one.figures[0].value for one in result.played] == [1]
    assert Changing.undone == ["second", "first"] * 2
    assert (result.error, done) == ("LookupError: act 2", 3)


def test_failed_undo_keeps_the_first_error_and_undoes_the_other_changes(played: Any) -> None:
    """A reader needs both errors to find the cause."""
    result, _ = played("act 1", "undo second")
    assert Changing.undone == ["second", "first"]
    assert result.error == "LookupError: undo second, after LookupError: act 1"


def test_scenario_begins_no_repetition_after_a_stop(played: Any) -> None:
    """The user must not wait. A scenario that is already played ends at its next call."""
    stopping.set()
    result, done = played()
    assert (result.played, result.error, done) == ([], "", 0)


def test_client_rejects_calls_after_a_stop_except_calls_that_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped evaluation must still restore the deployment."""
    monkeypatch.setattr(Client, "query", lambda *_, **__: {"version": "1"})
    client = CountingClient("http://nowhere", "user_code")
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


def test_user_code_contains_every_definition_that_holds_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report counts these definitions for lineage questions. No code answers questions about the source's publications."""
    monkeypatch.setenv("USER_CODE_SOURCE", str(ROOT / "user_code/src/user_code"))
    assert all(lines_of(file, name) > 0 for definitions in HOLDING.values() for file, name in definitions)
    assert to_open(Style.TASK, [AFFECTED, BEFORE]) == 2
    assert to_open(Style.ASSET, [ORIGIN, AFFECTED]) == 3
    assert to_open(Style.TASK, []) == 0
