"""Verdicts, and how figures are looked at to reach one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from evaluation.figures import compare, quantity
from evaluation.results import Results


class Verdict(StrEnum):
    """Where a claim stands."""

    HOLDS = "holds"
    PARTLY = "partly"
    NOT = "does not hold"
    UNKNOWN = "not played"


Judgement = tuple[Verdict, str]


@dataclass(frozen=True)
class Look:
    """A look at the figures of one scenario."""

    results: Results
    scenario: str

    def value(self, measure: str, variant: str) -> float:
        """The median; infinity where it never happened."""
        value = self.results.value(self.scenario, measure, variant)
        return inf if value is None else value

    def of(self, scenario: str) -> Look:
        """A look at another scenario."""
        return Look(self.results, scenario)

    def compare(self, measure: str, variant: str, other: str) -> int:
        """As `figures.compare`, of two variants."""
        return compare(*(self.results.summary(self.scenario, measure, name) for name in (variant, other)))

    def text(self, measure: str, variant: str) -> str:
        """The same for people."""
        return self.results.summary(self.scenario, measure, variant).text()


def three(holds: bool, partly: bool) -> Verdict:
    """The first of the three that applies."""
    return Verdict.HOLDS if holds else Verdict.PARTLY if partly else Verdict.NOT


def steps(value: float) -> str:
    """A number of steps for people."""
    return quantity(f"{value:.0f}", "steps")


def calls(value: float) -> str:
    """A number of calls for people; infinitely many give no answer."""
    return "no answer" if value == inf else quantity(f"{value:.0f}", "calls")
