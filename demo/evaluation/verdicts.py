"""Verdicts, and helpers that read figures to reach one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from demo.evaluation.figures import compare, quantity
from demo.evaluation.results import Results


class Verdict(StrEnum):
    """The verdict on a claim."""

    HOLDS = "holds"
    PARTLY = "partly"
    NOT = "does not hold"
    UNKNOWN = "not played"


Judgement = tuple[Verdict, str]


@dataclass(frozen=True)
class Look:
    """The figures of one scenario."""

    results: Results
    scenario: str

    def value(self, measure: str, variant: str) -> float:
        """The median, or infinity if it never happened."""
        value = self.results.value(self.scenario, measure, variant)
        return inf if value is None else value

    def of(self, scenario: str) -> Look:
        """The figures of another scenario."""
        return Look(self.results, scenario)

    def compare(self, measure: str, variant: str, other: str) -> int:
        """Compares two variants with `figures.compare`."""
        return compare(*(self.results.summary(self.scenario, measure, name) for name in (variant, other)))

    def text(self, measure: str, variant: str) -> str:
        """The value as text for the report."""
        return self.results.summary(self.scenario, measure, variant).text()


def three(holds: bool, partly: bool) -> Verdict:
    """The first of the three verdicts that applies."""
    return Verdict.HOLDS if holds else Verdict.PARTLY if partly else Verdict.NOT


def steps(value: float) -> str:
    """A number of steps as text."""
    return quantity(f"{value:.0f}", "steps")


def calls(value: float) -> str:
    """A number of calls as text. Infinity means "no answer"."""
    return "no answer" if value == inf else quantity(f"{value:.0f}", "calls")
