"""The summary for a manager: a table made of the figures, and advice when to use which style."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from demo.evaluation.measure.claims import CheckedClaim
from demo.evaluation.measure.figures import Summary, compare, quantity
from demo.evaluation.measure.measures import YES_OR_NO
from demo.evaluation.measure.reported import Question, Reported
from demo.evaluation.measure.results import Results
from demo.evaluation.measure.verdicts import NotPlayedError, Verdict
from demo.evaluation.scenarios import SCENARIOS


@dataclass(frozen=True)
class Row:
    """A question, the two answers, and the style that is ahead."""

    situation: str
    question: str
    task: str
    asset: str
    ahead: str
    scenario: str
    keeps_data: bool


@dataclass(frozen=True)
class Advice:
    """Advice when to use which style, and the table rows that support it."""

    what: str
    why: str
    rows: tuple[Row, ...]


METHOD = (
    "Figures are medians, with the lowest and the highest value where they differ. A style is ahead in seconds only if it was "
    "ahead in each repetition, of three at least. Dagster's event log, its record of runs, its API and the warehouse give the "
    "figures. The source code gives the lines of code. Scenarios about users run beside the others, so that seconds hold some "
    'noise. The claims come from two texts that recommend assets: a lesson that bakes cookies ("Lesson 1"), and a comparison '
    '("Assets vs Jobs").'
)
# Readers new to Dagster need only these terms to read the table.
TERMS = {
    "asset": "data that Dagster knows by name, with what it is made of: a table, a file",
    "job": "steps in an order; Dagster knows the steps, not the data that they leave",
    "from scratch": "all steps of a job once more",
    "from failure": "those that failed, and what comes after them",
    "chosen steps": "those that a person names",
}
# In the order of the report.
ADVICE = {
    "Use assets": (
        "for data that is kept and read again: tables, files, reports. They tell what exists and what it is made of, leave alone "
        "what has not changed, and are used again by what comes later. Ahead in:"
    ),
    "Use jobs": (
        "for work that leaves no data to keep: migrations and clean-ups. They leave nothing that would have to be kept fresh. "
        "Ahead in:"
    ),
    "What assets cost": "also for data that is kept; jobs were ahead in:",
    "No style was ahead": "because both do well, or neither does, in:",
}


def _advice_of(row: Row) -> str:
    if row.ahead == "jobs":
        return "What assets cost" if row.keeps_data else "Use jobs"
    return {"assets": "Use assets", "equal": "No style was ahead"}[row.ahead]


def rows(results: Results) -> list[Row]:
    """The table of the summary, without scenarios that were not played."""
    found = []
    for scenario in SCENARIOS:
        for question in scenario.questions:
            with suppress(NotPlayedError):
                found.append(_row(results, scenario, question))
    return found


def _row(results: Results, scenario: type[Reported], question: Question) -> Row:
    task, asset = (results.summary(scenario.name, question.measure, variant) for variant in question.variants)
    ahead = _ahead(task, asset, more=question.more)
    topic = scenario.topic or scenario.situation
    return Row(topic, question.text, _text(task), _text(asset), ahead, scenario.name, scenario.keeps_data)


def _text(summary: Summary) -> str:
    if summary.unit == YES_OR_NO:
        return {"1": "yes", "0": "no"}.get(summary.text(), summary.text())
    return quantity(summary.text(), summary.unit)


def _ahead(task: Summary, asset: Summary, *, more: bool) -> str:
    order = compare(task, asset)
    return "equal" if order == 0 else "jobs" if (order > 0) == more else "assets"


def verdicts(claims: list[CheckedClaim]) -> str:
    """The number of claims for each verdict, in words."""
    words = {Verdict.HOLDS: "hold", Verdict.PARTLY: "hold partly", Verdict.NOT: "do not hold", Verdict.UNKNOWN: "were not played"}
    counts = {verdict: sum(claim.verdict is verdict for claim in claims) for verdict in words}
    return ", ".join(f"{count} {words[verdict]}" for verdict, count in counts.items() if count)


def advice(results: Results) -> list[Advice]:
    """Advises each style only where its figures are ahead."""
    told: dict[str, list[Row]] = {what: [] for what in ADVICE}
    for row in rows(results):
        told[_advice_of(row)].append(row)
    return [Advice(what, ADVICE[what], tuple(found)) for what, found in told.items() if found]
