"""Measured numbers: one of each repetition, and what several repetitions say together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import median
from typing import Any


class Style(StrEnum):
    """How the work is orchestrated."""

    TASK = "task-centric"
    ASSET = "asset-centric"


@dataclass(frozen=True)
class Figure:
    """What one repetition measured. `value` is None where it never happened, or where there is no answer."""

    measure: str
    variant: str
    style: Style
    unit: str
    value: float | None


@dataclass(frozen=True)
class Summary:
    """The same figure of all repetitions, in the order in which they were played."""

    measure: str
    variant: str
    style: Style
    unit: str
    values: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        """The values of the repetitions in which it happened."""
        return [value for value in self.values if value is not None]

    @property
    def median(self) -> float | None:
        """None unless it happened in more than half of the repetitions."""
        return median(self.known) if 2 * len(self.known) > len(self.values) else None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The lowest and the highest value."""
        return (min(self.known), max(self.known)) if self.known else None

    def text(self) -> str:
        """For people: the median with its spread, where there is one."""
        if self.median is None:
            return "never"
        low, high = self.spread or (0, 0)
        number = _number(self.median)
        return number if _number(low) == _number(high) else f"{number} ({_number(low)} to {_number(high)})"

    def to_json(self) -> dict[str, Any]:
        """As `schema.json` describes it."""
        spread = list(self.spread) if self.spread else None
        return {**asdict(self), "style": str(self.style), "values": list(self.values), "median": self.median, "spread": spread}


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def summarise(repetitions: Iterable[Iterable[Figure]]) -> list[Summary]:
    """Figures of all repetitions, put together by measure, variant and style, in the order of the first one."""
    values: dict[tuple[str, str, Style, str], list[float | None]] = {}
    for figures in repetitions:
        for figure in figures:
            values.setdefault((figure.measure, figure.variant, figure.style, figure.unit), []).append(figure.value)
    return [Summary(*key, tuple(found)) for key, found in values.items()]
