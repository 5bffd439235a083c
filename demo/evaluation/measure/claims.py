"""Claims of the two texts. Only figures decide a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from demo.evaluation.measure.verdicts import NotPlayedError, ReasonedVerdict, ScenarioFigures, Verdict


class Source(StrEnum):
    """A text that makes claims, in the order of the report."""

    COMPARISON = "Assets vs Jobs"
    LESSON = "Lesson 1"


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with its verdict, and the measurement in a sentence."""

    source: Source
    text: str
    scenario: str
    verdict: Verdict
    because: str


@dataclass(frozen=True)
class Claim:
    """A claim of a text, in our words. `place` is its place in that text; `decide` returns verdict and sentence."""

    source: Source
    place: int
    text: str
    decide: Callable[[ScenarioFigures], ReasonedVerdict]

    def check(self, figures: ScenarioFigures) -> CheckedClaim:
        """Compares the claim with the figures of its scenario."""
        try:
            verdict, because = self.decide(figures)
        except NotPlayedError as error:
            verdict, because = Verdict.UNKNOWN, str(error)
        return CheckedClaim(self.source, self.text, figures.scenario, verdict, because)

    @property
    def order(self) -> tuple[int, int]:
        """Its rank in the report: by source, then by place."""
        return list(Source).index(self.source), self.place
