"""The claims of the two briefs, and the measurements for each. Only the figures decide the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo.evaluation import judges
from demo.evaluation.results import NotPlayedError, Results
from demo.evaluation.verdicts import Look, Verdict

COMPARISON, LESSON = "Assets vs Jobs", "Lesson 1"


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict, and the measurement in a sentence."""

    source: str
    text: str
    scenario: str
    verdict: Verdict
    because: str


@dataclass(frozen=True)
class Claim:
    """A claim of a brief, in our words. `judge` returns verdict and sentence."""

    source: str
    text: str
    scenario: str
    judge: Callable[[Look], tuple[Verdict, str]]

    def judged(self, results: Results) -> Judged:
        """Judges the claim by the measurements."""
        try:
            verdict, because = self.judge(Look(results, self.scenario))
        except NotPlayedError as error:
            verdict, because = Verdict.UNKNOWN, str(error)
        return Judged(self.source, self.text, self.scenario, verdict, because)


CLAIMS = (
    Claim(COMPARISON, "A job is shown as a linear list, without a graph.", "lineage", judges.job_graph),
    Claim(COMPARISON, "Assets show where data comes from.", "lineage", judges.asset_lineage),
    Claim(COMPARISON, "Jobs have no built-in lineage.", "lineage", judges.job_lineage),
    Claim(COMPARISON, "Dependencies of assets follow from parameters; a job is wired by hand.", "lineage", judges.wiring),
    Claim(COMPARISON, "Dagster tracks what exists and what needs updating.", "lineage", judges.current),
    Claim(COMPARISON, "Incremental updates are built in for assets.", "incremental", judges.incremental),
    Claim(COMPARISON, "One asset can be made again alone; a job runs whole.", "debugging_dough", judges.only_the_asset),
    Claim(COMPARISON, "One-off migrations are better done by a job.", "one_off", judges.one_off),
    Claim(LESSON, "It is easy to tell why an asset is out of date.", "lineage", judges.why_not_current),
    Claim(LESSON, "Tasks bake from start to finish, assets from the dough that is there.", "reuse_peanuts", judges.from_scratch),
    Claim(LESSON, "Assets are used again by something new, tasks need a fork.", "reuse_posts", judges.reuse),
    Claim(LESSON, "With assets one sees how fresh data is.", "freshness_source", judges.stale_visible),
    Claim(
        LESSON,
        "What is expired is refreshed before going on, with tasks by starting again.",
        "freshness_source",
        judges.by_itself,
    ),
    Claim(LESSON, "With assets one sees that the eggs are old before baking.", "freshness_eggs", judges.eggs_before_baking),
    Claim(LESSON, "With tasks, expired eggs mean starting all over.", "freshness_eggs", judges.restart),
    Claim(LESSON, "With tasks, debugging means executing the whole pipeline again.", "debugging_table", judges.whole_pipeline),
    Claim(LESSON, "With assets, it means executing the failed asset again.", "debugging_record", judges.the_asset_again),
    Claim(LESSON, "With assets, debugging starts at the product that is bad.", "debugging_dough", judges.product_is_bad),
)

# The other claims of the texts.
NOT_PLAYED = (
    "that an asset is out of date because its code has changed; jobs for graphs of computations, for work on no data at all and "
    "for old pipelines; catalog, metadata, and logs by asset; and what no deployment can play: what share of use cases suits "
    "assets, which interface is beautiful, what Dagster recommends"
)


def judge(results: Results) -> list[Judged]:
    """Judges all claims."""
    return [claim.judged(results) for claim in CLAIMS]
