"""The results of an evaluation: scenarios with their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from demo.evaluation.measure.claims import CheckedClaim
from demo.evaluation.measure.figures import Summary, summarise
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.reported import Reported
from demo.evaluation.measure.timeline import Played
from demo.evaluation.measure.verdicts import NotPlayedError, ScenarioFigures


@dataclass
class Result:
    """A scenario and its repetitions so far. `error` is the error that ended it early."""

    scenario: type[Reported]
    played: list[Played] = field(default_factory=list)
    error: str = ""

    @property
    def summaries(self) -> list[Summary]:
        """Its figures over all repetitions."""
        return summarise(one.figures for one in self.played)

    def to_json(self) -> dict[str, Any]:
        """The result as in `schema.json`. The timeline is from the first repetition."""
        return {
            **{name: getattr(self.scenario, name) for name in ("name", "situation", "title", "story", "lane")},
            "status": "failed" if self.error else "played",
            "error": self.error,
            "figures": [summary.to_json() for summary in self.summaries],
            "timeline": self.played[0].timeline() if self.played else {"bars": [], "marks": []},
        }


@dataclass(frozen=True)
class Picture:
    """A screenshot of the UI, as a PNG file."""

    name: str
    title: str
    png: bytes


@dataclass
class Results:
    """All results. `about` holds versions, machine and times for the report's head."""

    scenarios: dict[str, Result]
    about: Mapping[str, Any] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    # Errors outside the scenarios.
    problems: list[str] = field(default_factory=list)

    def summary(self, scenario: str, measure: Measure, variant: str) -> Summary:
        """One figure.

        Raises:
            NotPlayedError: it was not measured.
            UnknownMeasureError: the measure is none.
        """
        Measure(measure)
        result = self.scenarios.get(scenario)
        for summary in result.summaries if result and not result.error else ():
            if (summary.measure, summary.variant) == (measure, variant):
                return summary
        raise NotPlayedError(f"{scenario} has not measured '{measure}' of '{variant}'")

    def of_scenario(self, scenario: str) -> ScenarioFigures:
        """The figures of a scenario, also of one that was not played."""
        return ScenarioFigures(self.summary, scenario)

    def to_json(self, claims: list[CheckedClaim]) -> dict[str, Any]:
        """All results as in `schema.json`."""
        return {
            "schema": 1,
            "about": dict(self.about),
            "scenarios": [result.to_json() for result in self.scenarios.values()],
            "claims": [asdict(claim) for claim in claims],
            "pictures": [{"name": picture.name, "title": picture.title} for picture in self.pictures],
        }
