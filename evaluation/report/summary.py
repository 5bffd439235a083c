"""What a manager reads: one line a situation, made of the figures, and when to use which."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from evaluation.claims import Judged
from evaluation.figures import Summary
from evaluation.judges import Verdict
from evaluation.results import NotPlayedError, Results
from evaluation.scenarios.debugging import FAILURE, ONLY, SCRATCH
from evaluation.scenarios.eggs import CHOSEN
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
EGGS = ("job with a date check", "assets with a date check")
LINES = (
    Line("Lineage", "Answers about data without reading code", "lineage", "questions answered rightly", JOB, "of 5", more=True),
    Line("Re-use", "Peanut cookies", "reuse_peanuts", "steps executed", (FORK, NEW), "steps"),
    Line("Re-use", "Peanut cookies, code to write", "reuse_peanuts", "lines to write", (FORK, NEW), "lines"),
    Line("Re-use", "Posts by city, job from the source", "reuse_posts", "rows fetched again", (FORK, NEW), "rows"),
    Line("Re-use", "Posts by city, job on stored tables", "reuse_posts", "rows fetched again", (TABLES, NEW), "rows"),
    Line("Re-use", "Posts by city, code to write", "reuse_posts", "lines to write", (FORK, NEW), "lines"),
    Line("Freshness", "Until a silent source is noticed", "freshness_source", "until somebody could know", SILENT, "s"),
    Line("Freshness", "Until old data is marked as such", "freshness_source", "until the data is marked stale", SILENT, "s"),
    Line("Freshness", "From new data to a fresh summary", "freshness_source", "from publication to a fresh summary", SILENT, "s"),
    Line("Freshness", "A refresh that brings nothing new", "incremental", "steps executed", JOB, "steps"),
    Line("Freshness", "After buying new eggs, whole job", "freshness_eggs", "steps after buying eggs", EGGS, "steps"),
    Line(
        "Freshness",
        "After buying new eggs, chosen steps",
        "freshness_eggs",
        "steps after buying eggs",
        (CHOSEN, EGGS[1]),
        "steps",
    ),
    Line(
        "Debugging", "From bad cookies to the reason", "debugging_dough", "API calls from bad cookies to the reason", JOB, "calls"
    ),
    Line("Debugging", "After a repair, job from scratch", "debugging_table", "steps executed", (SCRATCH, ONLY), "steps"),
    Line("Debugging", "After a repair, job from failure", "debugging_table", "steps executed", (FAILURE, ONLY), "steps"),
    Line("Backfill", "Five keys", "backfill", "runs spent", ("partitioned job", "partitioned asset"), "runs"),
    Line("One-off work", "Left in the catalog for ever", "one_off", "entries left in the catalog", ONE, "entries"),
)


@dataclass(frozen=True)
class Advice:
    """When to use which, and the rows of the table that say so."""

    what: str
    why: str
    rows: tuple[Row, ...]


FOR_ASSETS = (
    "for data that is kept and read again: tables, files, reports. They tell what exists and what it is made of, leave alone "
    "what has not changed, and are used again by what comes later."
)
FOR_JOBS = (
    "for work that leaves no data to keep: migrations, clean-ups, messages. They leave nothing behind that would have to be kept "
    "fresh, and they take their input as configuration."
)
# For each style, where it is ahead.
ADVICE = {
    "assets": ("Use assets", FOR_ASSETS),
    "jobs": ("Use jobs", FOR_JOBS),
    "equal": ("Either will do", "where these figures decide, because they are equal."),
}


def rows(results: Results) -> list[Row]:
    """The table of the summary; what was not played is left out."""
    found = []
    for line in LINES:
        try:
            summaries = [results.summary(line.scenario, line.measure, variant) for variant in line.variants]
        except NotPlayedError:
            continue
        texts = [f"{summary.text()} {line.unit if summary.median is not None else ''}".strip() for summary in summaries]
        ahead = _ahead(summaries[0], summaries[1], more=line.more)
        found.append(Row(line.situation, line.question, texts[0], texts[1], ahead, line.scenario))
    return found


def _ahead(task: Summary, asset: Summary, *, more: bool) -> str:
    worst = -inf if more else inf
    scores = [worst if summary.median is None else summary.median for summary in (task, asset)]
    if scores[0] == scores[1] or _overlap(task, asset):
        return "equal"
    return "jobs" if (scores[0] > scores[1]) == more else "assets"


def _overlap(task: Summary, asset: Summary) -> bool:
    """Whether seconds differ by no more than they do from one repetition to the next."""
    if task.unit != "s" or None in (*task.values, *asset.values):
        return False
    return min(task.known) <= max(asset.known) and min(asset.known) <= max(task.known)


def verdicts(judged: list[Judged]) -> dict[str, int]:
    """How many claims stand where."""
    return {str(verdict): sum(claim.verdict is verdict for claim in judged) for verdict in Verdict}


def advice(results: Results) -> list[Advice]:
    """When to use which: each style where its figures are ahead, and nowhere else."""
    found = rows(results)
    mine = {ahead: tuple(row for row in found if row.ahead == ahead) for ahead in ADVICE}
    return [Advice(*texts, mine[ahead]) for ahead, texts in ADVICE.items() if mine[ahead]]
