"""Verdicts, and the figures of a scenario that lead to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from demo.evaluation.measure.figures import Summary, compare, quantity
from demo.evaluation.measure.measures import Measure


class NotPlayedError(LookupError):
    """A figure is missing because its scenario failed or was not played."""


class Verdict(StrEnum):
    """The verdict on a claim."""

    HOLDS = "holds"
    PARTLY = "partly"
    NOT = "does not hold"
    UNKNOWN = "not played"


# A verdict, and the measurement in a sentence.
ReasonedVerdict = tuple[Verdict, str]


@dataclass(frozen=True)
class ScenarioFigures:
    """The figures of one scenario. `find` finds a figure by scenario, measure and variant."""

    find: Callable[[str, Measure, str], Summary]
    scenario: str

    def summary(self, measure: Measure, variant: str) -> Summary:
        """One figure of all repetitions.

        Raises:
            NotPlayedError: it was not measured.
            UnknownMeasureError: the measure is none.
        """
        return self.find(self.scenario, measure, variant)

    def value(self, measure: Measure, variant: str) -> float:
        """The median, or infinity if it never happened."""
        value = self.summary(measure, variant).median
        return inf if value is None else value

    def of_scenario(self, scenario: str) -> ScenarioFigures:
        """The figures of another scenario."""
        return ScenarioFigures(self.find, scenario)

    def compare(self, measure: Measure, variant: str, other: str) -> int:
        """Compares two variants with `figures.compare`."""
        return compare(self.summary(measure, variant), self.summary(measure, other))

    def text(self, measure: Measure, variant: str) -> str:
        """The value as text for the report."""
        return self.summary(measure, variant).text()


def verdict(*, holds: bool, partly: bool = False) -> Verdict:
    """The first verdict that applies: holds, partly, or not."""
    return Verdict.HOLDS if holds else Verdict.PARTLY if partly else Verdict.NOT


def steps(value: float) -> str:
    """A number of steps as text."""
    return quantity(f"{value:.0f}", "steps")


def calls(value: float) -> str:
    """A number of calls as text. Infinity means "no answer"."""
    return "no answer" if value == inf else quantity(f"{value:.0f}", "calls")
