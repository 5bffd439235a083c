"""Measured numbers: one for each repetition, and their summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from statistics import median
from typing import Any

from demo.evaluation.measure.measures import Measure, Variant

# With one or two repetitions, a style can be ahead in each by chance.
ENOUGH = 3


class Style(StrEnum):
    """The two ways to orchestrate the work."""

    TASK = "task-centric"
    ASSET = "asset-centric"

    @property
    def label(self) -> Variant:
        """A short name for the report."""
        return Variant.JOB if self is Style.TASK else Variant.ASSETS


@dataclass(frozen=True)
class Figure:
    """A number from one repetition. `value` is None if it never happened, or if there is no answer.

    Raises:
        UnknownMeasureError: the measure is none.
    """

    measure: Measure
    variant: str
    style: Style
    value: float | None

    def __post_init__(self) -> None:
        Measure(self.measure)


@dataclass(frozen=True)
class Summary:
    """The same figure of all repetitions, in the order of play."""

    measure: Measure
    variant: str
    style: Style
    values: tuple[float | None, ...]

    @property
    def unit(self) -> str:
        """The unit of its values."""
        return self.measure.unit

    @property
    def known(self) -> list[float]:
        """The values of those repetitions in which it happened."""
        return [value for value in self.values if value is not None]

    @property
    def median(self) -> float | None:
        """The median. None counts as later than every number."""
        middle = median(inf if value is None else value for value in self.values)
        return None if middle == inf else middle

    @property
    def spread(self) -> tuple[float, float] | None:
        """The lowest and the highest value."""
        return (min(self.known), max(self.known)) if self.known else None

    def text(self) -> str:
        """The median as text, with any spread, and how often it never happened."""
        never = f" (never in {self.values.count(None)} of {len(self.values)})" if None in self.values else ""
        if self.median is None:
            return f"never in {self.values.count(None)} of {len(self.values)}" if self.known else "never"
        low, high = (_number(value) for value in self.spread or (0, 0))
        spread = f" ({low} to {high})" if low != high else ""
        return f"{_number(self.median)}{spread}{never}"

    def to_json(self) -> dict[str, Any]:
        """The summary as in `schema.json`."""
        names = {"measure": str(self.measure), "variant": str(self.variant), "style": str(self.style), "unit": self.unit}
        spread = list(self.spread) if self.spread else None
        return {**names, "values": list(self.values), "median": self.median, "spread": spread}


def compare(one: Summary, other: Summary) -> int:
    """Returns -1 if `one` is less, 1 if it is more, 0 if both are equal. None is more than every number.

    Seconds are equal unless one style is less in every repetition, and `ENOUGH` repetitions were played. The reason: both
    styles wait for the same events in a repetition, such as a full minute.
    """
    if one.unit == "s" and None not in (*one.values, *other.values):
        return _of_each(one.known, other.known)
    first, second = (inf if summary.median is None else summary.median for summary in (one, other))
    return (first > second) - (first < second)


def _of_each(one: list[float], other: list[float]) -> int:
    signs = {(first > second) - (first < second) for first, second in zip(one, other, strict=True)}
    return signs.pop() if len(signs) == 1 and len(one) >= ENOUGH else 0


def quantity(value: str, unit: str) -> str:
    """A number with its unit, given in the plural: '1 step', '1 entry', '3 steps', '2 of 3', 'never'."""
    if value == "1" and len(unit) > 1:
        unit = re.sub("ies$", "y", unit) if unit.endswith("ies") else unit.removesuffix("s")
    return value if value.startswith("never") else f"{value} {unit}".strip()


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def summarise(repetitions: Iterable[Iterable[Figure]]) -> list[Summary]:
    """Groups the figures of all repetitions by measure, variant and style, in the first repetition's order."""
    values: dict[tuple[Measure, str, Style], list[float | None]] = {}
    for figures in repetitions:
        for figure in figures:
            values.setdefault((figure.measure, figure.variant, figure.style), []).append(figure.value)
    return [Summary(*key, tuple(found)) for key, found in values.items()]
