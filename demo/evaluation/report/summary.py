"""The summary for a manager: a table made of the figures, and advice when to use which style."""

from __future__ import annotations

from dataclasses import dataclass

from demo.evaluation.claims import Judged
from demo.evaluation.figures import Summary, compare, quantity
from demo.evaluation.results import NotPlayedError, Results
from demo.evaluation.scenarios.debugging import FAILURE, ONLY, RUN_AGAIN, SCRATCH
from demo.evaluation.scenarios.eggs import CHOSEN
from demo.evaluation.scenarios.freshness import KEPT, SCHEDULED
from demo.evaluation.scenarios.reuse import FORK, NEW, TABLES
from demo.evaluation.verdicts import Verdict


@dataclass(frozen=True)
class Row:
    """A question, the two answers, and the style that is ahead."""

    situation: str
    question: str
    task: str
    asset: str
    ahead: str
    scenario: str


@dataclass(frozen=True)
class Line:
    """The figures that a row compares. `more` means that a higher one is better."""

    situation: str
    question: str
    scenario: str
    measure: str
    variants: tuple[str, str]
    more: bool = False


YES_OR_NO = "1 = yes"
DONE = "run succeeds"
CALLS = "API calls from bad cookies to the reason"
JOB, ONE = ("job", "assets"), ("job", "asset")
SILENT = (SCHEDULED, KEPT)
EGGS = ("job with a date check", "assets with a date check")
LINES = (
    Line("Lineage", "Where it comes from, what it affects", "lineage", "questions of lineage answered rightly", JOB, more=True),
    Line("Lineage", "Whether it is current", "lineage", "questions of currency answered rightly", JOB, more=True),
    Line("Re-use", "Peanut cookies", "reuse_peanuts", "steps executed", (FORK, NEW)),
    Line("Re-use", "Peanut cookies, code to write", "reuse_peanuts", "lines to write", (FORK, NEW)),
    Line("Re-use", "Posts by city, job from the source", "reuse_posts", "rows fetched again", (FORK, NEW)),
    Line("Re-use", "Posts by city, job on stored tables", "reuse_posts", "rows fetched again", (TABLES, NEW)),
    Line("Re-use", "Posts by city, code to write", "reuse_posts", "lines to write", (FORK, NEW)),
    Line(
        "Freshness",
        "Until a silent source is noticed, assets without a schedule",
        "freshness_source",
        "from the silence until somebody could know",
        SILENT,
    ),
    Line(
        "Freshness",
        "Until old data is marked as such",
        "freshness_source",
        "from the last good data until it is marked stale",
        SILENT,
    ),
    Line("Freshness", "From new data to a fresh summary", "freshness_source", "from publication to a fresh summary", SILENT),
    Line("Freshness", "Steps while it was silent, and after", "freshness_source", "steps spent", SILENT),
    Line("Freshness", "Runs while it was silent, and after", "freshness_source", "runs spent", SILENT),
    Line("Freshness", "A refresh that brings nothing new", "incremental", "steps executed", JOB),
    Line("Freshness", "After buying new eggs, whole job", "freshness_eggs", "steps after buying eggs", EGGS),
    Line("Freshness", "After buying new eggs, chosen steps", "freshness_eggs", "steps after buying eggs", (CHOSEN, EGGS[1])),
    Line("Debugging", "Bad cookies: what warns of itself", "debugging_dough", "failed steps or checks that warn", JOB, more=True),
    Line("Debugging", "Bad cookies: asking for the reason", "debugging_dough", CALLS, JOB),
    Line("Debugging", "Bad cookies: made good, whole job", "debugging_dough", "steps executed", (SCRATCH, ONLY)),
    Line("Debugging", "Bad cookies: made good, chosen steps", "debugging_dough", "steps executed", (CHOSEN, ONLY)),
    Line("Debugging", "A failed table, job from scratch", "debugging_table", "steps executed", (SCRATCH, ONLY)),
    Line("Debugging", "A failed table, job from failure", "debugging_table", "steps executed", (FAILURE, ONLY)),
    Line("Debugging", "A bad record, job from scratch", "debugging_record", "steps executed", (SCRATCH, ONLY)),
    Line(
        "Debugging", "A bad record: enough to make again what failed", "debugging_record", DONE, (FAILURE, RUN_AGAIN), more=True
    ),
    Line("Backfill", "Five keys", "backfill", "runs spent", ("partitioned job", "partitioned asset")),
    Line("One-off work", "Left in the catalog afterwards", "one_off", "entries left in the catalog", ONE),
)


@dataclass(frozen=True)
class Advice:
    """Advice when to use which style, and the table rows that support it."""

    what: str
    why: str
    rows: tuple[Row, ...]


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
NO_DATA_KEPT = {"one_off"}


def _advice_of(row: Row) -> str:
    if row.ahead == "jobs":
        return "Use jobs" if row.scenario in NO_DATA_KEPT else "What assets cost"
    return {"assets": "Use assets", "equal": "No style was ahead"}[row.ahead]


def rows(results: Results) -> list[Row]:
    """The table of the summary, without scenarios that were not played."""
    found = []
    for line in LINES:
        try:
            summaries = [results.summary(line.scenario, line.measure, variant) for variant in line.variants]
        except NotPlayedError:
            continue
        texts = [_text(summary) for summary in summaries]
        ahead = _ahead(summaries[0], summaries[1], more=line.more)
        found.append(Row(line.situation, line.question, texts[0], texts[1], ahead, line.scenario))
    return found


def _text(summary: Summary) -> str:
    if summary.unit == YES_OR_NO:
        return {"1": "yes", "0": "no"}.get(summary.text(), summary.text())
    return quantity(summary.text(), summary.unit)


def _ahead(task: Summary, asset: Summary, *, more: bool) -> str:
    order = compare(task, asset)
    return "equal" if order == 0 else "jobs" if (order > 0) == more else "assets"


def verdicts(judged: list[Judged]) -> str:
    """The number of claims for each verdict, in words."""
    words = {Verdict.HOLDS: "hold", Verdict.PARTLY: "hold partly", Verdict.NOT: "do not hold", Verdict.UNKNOWN: "were not played"}
    counts = {verdict: sum(claim.verdict is verdict for claim in judged) for verdict in words}
    return ", ".join(f"{count} {words[verdict]}" for verdict, count in counts.items() if count)


def advice(results: Results) -> list[Advice]:
    """Advises each style only where its figures are ahead."""
    told: dict[str, list[Row]] = {what: [] for what in ADVICE}
    for row in rows(results):
        told[_advice_of(row)].append(row)
    return [Advice(what, ADVICE[what], tuple(found)) for what, found in told.items() if found]
