"""What a manager reads: one line a situation, made of the figures, and when to use which."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evaluation.claims import Judged
from evaluation.judges import Verdict
from evaluation.results import NotPlayedError, Results
from evaluation.scenarios.debugging import FAILURE, ONLY, SCRATCH
from evaluation.scenarios.freshness import KEPT, SCHEDULED
from evaluation.scenarios.reuse import FORK, NEW, TABLES


@dataclass(frozen=True)
class Row:
    """A question, the two answers, and who comes out ahead."""

    situation: str
    question: str
    task: str
    asset: str
    ahead: str
    scenario: str


@dataclass(frozen=True)
class Line:
    """Which figures a row compares; `more` where a higher one is better."""

    situation: str
    question: str
    scenario: str
    measure: str
    variants: tuple[str, str]
    unit: str
    more: bool = False


JOB, ONE = ("job", "assets"), ("job", "asset")
SILENT = (SCHEDULED, KEPT)
LINES = (
    Line("Lineage", "Answers about data without reading code", "lineage", "questions answered rightly", JOB, "of 4", more=True),
    Line("Re-use", "Steps to make peanut cookies", "reuse_peanuts", "steps executed", (FORK, NEW), "steps"),
    Line("Re-use", "Rows fetched again, job from the source", "reuse_posts", "rows fetched again", (FORK, NEW), "rows"),
    Line("Re-use", "Rows fetched again, job on stored tables", "reuse_posts", "rows fetched again", (TABLES, NEW), "rows"),
    Line("Freshness", "Until old data is marked stale", "freshness_source", "until it is marked stale", SILENT, "s"),
    Line("Freshness", "From new data to a fresh summary", "freshness_source", "from publication to a fresh summary", SILENT, "s"),
    Line("Freshness", "A refresh that brings nothing new", "incremental", "steps executed", JOB, "steps"),
    Line("Debugging", "From bad cookies to the reason", "debugging_dough", "API calls from alert to culprit", JOB, "calls"),
    Line("Debugging", "After a repair, job from scratch", "debugging_table", "steps executed", (SCRATCH, ONLY), "steps"),
    Line("Debugging", "After a repair, job from failure", "debugging_table", "steps executed", (FAILURE, ONLY), "steps"),
    Line("One-off work", "Left in the catalog for ever", "one_off", "entries left in the catalog", ONE, "entries"),
)


@dataclass(frozen=True)
class Advice:
    """When to use which, and the scenarios that say so."""

    what: str
    why: str
    scenarios: tuple[str, ...]


ADVICE = (
    Advice(
        "Use assets",
        "for data that is kept and read again: tables, files, reports. They know what exists, what it is made of and whether it "
        "is current; they refresh what is stale, and leave alone what has not changed.",
        ("lineage", "incremental", "freshness_source", "reuse_peanuts", "reuse_posts", "debugging_dough"),
    ),
    Advice(
        "Use jobs",
        "for work that leaves no data to keep: migrations, clean-ups, messages. They leave nothing in the catalog that would "
        "have to be kept fresh, and they take their input as configuration.",
        ("one_off",),
    ),
    Advice(
        "Either will do",
        "where a step in the middle fails and is mended: a job made again from its failure costs what assets cost. "
        "Where bad data has been fetched already, it has to be fetched again in both.",
        ("debugging_table", "debugging_record"),
    ),
)


def rows(results: Results) -> list[Row]:
    """The table of the summary; what was not played is left out."""
    found = []
    for line in LINES:
        try:
            summaries = [results.summary(line.scenario, line.measure, variant) for variant in line.variants]
        except NotPlayedError:
            continue
        texts = [f"{summary.text()} {line.unit if summary.median is not None else ''}".strip() for summary in summaries]
        ahead = _ahead(summaries[0].median, summaries[1].median, more=line.more)
        found.append(Row(line.situation, line.question, texts[0], texts[1], ahead, line.scenario))
    return found


def _ahead(task: float | None, asset: float | None, *, more: bool) -> str:
    worst = float("-inf") if more else float("inf")
    scores = [worst if value is None else value for value in (task, asset)]
    if scores[0] == scores[1]:
        return "equal"
    return "jobs" if (scores[0] > scores[1]) == more else "assets"


def verdicts(judged: list[Judged]) -> dict[str, int]:
    """How many claims stand where."""
    return {str(verdict): sum(claim.verdict is verdict for claim in judged) for verdict in Verdict}


def advice(results: Results) -> list[Advice]:
    """When to use which, as far as the scenarios that say so were played."""
    played = {name for name, result in results.scenarios.items() if result.played and not result.error}
    return [
        replace(one, scenarios=tuple(name for name in one.scenarios if name in played))
        for one in ADVICE
        if played & set(one.scenarios)
    ]
