"""The tests use the results of the committed report, so they need no measurements."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.evaluation.measure.figures import Figure, Style
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.results import Picture, Result, Results
from demo.evaluation.measure.timeline import Bar, Mark, Played
from demo.evaluation.scenarios import SCENARIOS
from operate.compose import ROOT

SAMPLE = ROOT / "demo/report/evaluation.json"


@pytest.fixture(scope="session")
def sample() -> dict[str, Any]:
    """Returns the committed report of a real run."""
    document: dict[str, Any] = json.loads(SAMPLE.read_text())
    return document


@pytest.fixture
def results(sample: dict[str, Any]) -> Results:
    """Returns the results of the committed report, with a picture of one pixel."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    found = {one["name"]: Result(known[one["name"]], played(one)) for one in sample["scenarios"]}
    return Results(found, sample["about"], [Picture("p", "A picture", b"\x89PNG")])


def played(scenario: dict[str, Any]) -> list[Played]:
    """Returns the repetitions of a scenario of the sample."""
    bars = [Bar(**bar) for bar in scenario["timeline"]["bars"]]
    marks = [Mark(**mark) for mark in scenario["timeline"]["marks"]]
    count = len(scenario["figures"][0]["values"])
    return [Played([figure(one, number) for one in scenario["figures"]], bars, marks) for number in range(count)]


def figure(one: dict[str, Any], number: int) -> Figure:
    """Returns a figure of one repetition."""
    return Figure(Measure(one["measure"]), one["variant"], Style(one["style"]), one["values"][number])


def changed(results: Results, scenario: str, measure: str, variant: str, value: float | None) -> Results:
    """Returns the same results after it has replaced the value of one figure."""
    result = results.scenarios[scenario]
    found = False
    for one in result.played:
        for index, old in enumerate(one.figures):
            if (old.measure, old.variant) == (measure, variant):
                one.figures[index] = Figure(old.measure, variant, old.style, value)
                found = True
    assert found, f"{scenario} measures no '{measure}' of '{variant}'"
    return results
