"""The part of a scenario that the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from demo.evaluation.measure.claims import Claim
from demo.evaluation.measure.measures import Measure, Variant


@dataclass(frozen=True)
class Question:
    """A line of the summary: a figure of both styles, of a job and of assets. `more` means that a higher one is better."""

    text: str
    measure: Measure
    variants: tuple[str, str] = (Variant.JOB, Variant.ASSETS)
    more: bool = False


class Reported:
    """A scenario, as the report sees it."""

    name: ClassVar[str]
    situation: ClassVar[str]
    # The summary's word for the situation, where it differs.
    topic: ClassVar[str] = ""
    title: ClassVar[str]
    # Tells the report's readers how it is played.
    story: ClassVar[str]
    lane: ClassVar[str]
    claims: ClassVar[tuple[Claim, ...]] = ()
    questions: ClassVar[tuple[Question, ...]] = ()
    # The plot compares this measure.
    plotted: ClassVar[Measure] = Measure.STEPS
    # Whether its work leaves data that somebody reads again.
    keeps_data: ClassVar[bool] = True
