"""The timeline of a scenario: steps and events over the same seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from demo.evaluation.measure.figures import Figure


@dataclass(frozen=True)
class Bar:
    """A step on a style's timeline. Times are seconds since the scenario's first event."""

    style: str
    label: str
    start: float
    end: float
    failed: bool


@dataclass(frozen=True)
class Mark:
    """An event for both styles. `at` is a time as in Bar."""

    label: str
    at: float


@dataclass(frozen=True)
class Played:
    """One repetition: its figures and its timeline."""

    figures: list[Figure]
    bars: list[Bar]
    marks: list[Mark]

    def timeline(self) -> dict[str, Any]:
        """The timeline as in `schema.json`."""
        return {"bars": [asdict(bar) for bar in self.bars], "marks": [asdict(mark) for mark in self.marks]}
