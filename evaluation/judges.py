"""What the figures say about each claim: a verdict, and the measurement in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evaluation.results import Results
from evaluation.scenarios.debugging import FAILURE, ONLY, SCRATCH
from evaluation.scenarios.dough import STEPS
from evaluation.scenarios.freshness import KEPT, SCHEDULED
from evaluation.scenarios.reuse import FORK, NEW, TABLES


class Verdict(StrEnum):
    """Where a claim stands."""

    HOLDS = "holds"
    PARTLY = "partly"
    NOT = "does not hold"
    UNKNOWN = "not played"


@dataclass(frozen=True)
class Look:
    """A look at the figures of one scenario."""

    results: Results
    scenario: str

    def value(self, measure: str, variant: str) -> float:
        """The median; infinity where it never happened."""
        value = self.results.value(self.scenario, measure, variant)
        return float("inf") if value is None else value

    def text(self, measure: str, variant: str) -> str:
        """The same for people."""
        return self.results.summary(self.scenario, measure, variant).text()


def _three(holds: bool, partly: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.PARTLY if partly else Verdict.NOT


def job_graph(look: Look) -> tuple[Verdict, str]:
    """No graph would be no edges."""
    edges = look.value("edges of the job's own graph", "job")
    return _three(edges == 0, partly=False), f"the API gives the job's graph with {edges:.0f} edges, and the UI draws it"


def asset_lineage(look: Look) -> tuple[Verdict, str]:
    """More right answers from assets than from jobs."""
    right, job = (look.value("questions answered rightly", label) for label in ("assets", "job"))
    return _three(
        right > job, partly=right == job
    ), f"{right:.0f} of 4 questions answered rightly from assets, {job:.0f} from jobs"


def job_lineage(look: Look) -> tuple[Verdict, str]:
    """None would be no right answer."""
    right, opened = look.value("questions answered rightly", "job"), look.value("definitions to open in the code", "job")
    said = (
        f"{right:.0f} of 4 questions about data answered by the graph of steps; {opened:.0f} definitions to open for the others"
    )
    return _three(right == 0, partly=right < 4), said  # noqa: PLR2004 - the questions


def wiring(look: Look) -> tuple[Verdict, str]:
    """Lines that do nothing but wire."""
    job, assets = (look.value("lines that only wire steps", label) for label in ("job", "assets"))
    return _three(assets < job, partly=False), f"{assets:.0f} lines of wiring for four assets, {job:.0f} for four ops"


def current(look: Look) -> tuple[Verdict, str]:
    """By the asset's own status, or only by that of what it is made of."""
    way, own = (
        look.value(measure, "assets") for measure in ("right answer: current", "right answer: current, by its own status")
    )
    said = "after new raw data, transformed_user_data is marked stale because of it"
    rest = (
        "and so is what is made of it"
        if own
        else "but data_extraction_summary, made of that, is not: one has to look up the graph"
    )
    return _three(way == own == 1, partly=way == 1), f"{said}, {rest}" if way else "the stale asset is not marked"


def from_scratch(look: Look) -> tuple[Verdict, str]:
    """Steps of both."""
    job, peanuts = look.value("steps executed", FORK), look.value("steps executed", NEW)
    return _three(
        peanuts < job, partly=peanuts == job
    ), f"{job:.0f} steps by the job, {peanuts:.0f} by assets on the dough that is there"


def only_assets_reuse(look: Look) -> tuple[Verdict, str]:
    """Rows fetched again, and what Dagster knows afterwards."""
    fork, tables, asset = (look.value("rows fetched again", variant) for variant in (FORK, TABLES, NEW))
    known = look.value("sources that Dagster knows of", TABLES)
    said = (
        f"{asset:.0f} rows fetched again by the asset, {fork:.0f} by the forked job, {tables:.0f} by a job that reads stored "
        f"tables, of which Dagster then knows {known:.0f} of 2"
    )
    return _three(asset < min(fork, tables), partly=asset < fork), said


def less_code(look: Look) -> tuple[Verdict, str]:
    """Lines of the new product."""
    fork, asset = look.value("lines to write", FORK), look.value("lines to write", NEW)
    return _three(asset < fork, partly=asset == fork), f"{asset:.0f} lines as assets, {fork:.0f} as a forked job"


def stale_visible(look: Look) -> tuple[Verdict, str]:
    """Whether it is marked at all."""
    asset = look.value("until it is marked stale", KEPT)
    said = f"marked stale after {look.text('until it is marked stale', KEPT)} s (window 60 s, looked at every 30 s)"
    failed = look.text("until a run has failed", SCHEDULED)
    return _three(asset < float("inf"), partly=False), f"{said}; the job says nothing about data, its run fails after {failed} s"


def without_a_hand(look: Look) -> tuple[Verdict, str]:
    """Which of the two was first."""
    measure = "from publication to a fresh summary"
    asset, job = look.value(measure, KEPT), look.value(measure, SCHEDULED)
    said = (
        f"fresh after {look.text(measure, KEPT)} s by the sensor, after {look.text(measure, SCHEDULED)} s by the job's schedule"
    )
    return _three(asset <= job, partly=asset < float("inf")), said


def incremental(look: Look) -> tuple[Verdict, str]:
    """One step, or fewer than the job."""
    job, asset = (look.value("steps executed", label) for label in ("job", "assets"))
    return _three(asset == 1, partly=asset < job), f"{asset:.0f} step by assets, {job:.0f} by the job, for eggs that are the same"


def eggs_before_baking(look: Look) -> tuple[Verdict, str]:
    """By Dagster's own marks, or only by the hand-written check."""
    known = look.value("Dagster knows that the eggs are old", "assets")
    stopped = look.value("the check stops old eggs", "assets with a date check")
    said = "Dagster sees when eggs were materialized, not their date" if not known else "Dagster marks the eggs as old"
    return _three(known == 1, partly=stopped == 1), f"{said}; the hand-written check stops old eggs in both styles"


def restart(look: Look) -> tuple[Verdict, str]:
    """Steps after the check has failed."""
    job, asset = (look.value("steps after buying eggs", f"{style} with a date check") for style in ("job", "assets"))
    return _three(job > asset, partly=False), f"{job:.0f} steps after buying eggs by the job, {asset:.0f} by assets"


def whole_pipeline(look: Look) -> tuple[Verdict, str]:
    """From failure as much as from scratch, or at least more than assets."""
    scratch, failure, asset = (look.value("steps executed", variant) for variant in (SCRATCH, FAILURE, ONLY))
    said = f"{failure:.0f} steps from failure, {scratch:.0f} from scratch, {asset:.0f} as assets"
    return _three(failure >= scratch, partly=failure > asset), said


def bad_record(look: Look) -> tuple[Verdict, str]:
    """From failure fails again, assets do not."""
    right, asset = look.value("data is right afterwards", FAILURE), look.value("data is right afterwards", ONLY)
    said = (
        "from failure the job works on the bad record that it has kept, and fails again"
        if right == 0
        else "from failure succeeds"
    )
    return _three(right == 0 and asset == 1, partly=asset == 1), said


def product_is_bad(look: Look) -> tuple[Verdict, str]:
    """A signal, and fewer calls."""
    signal = look.value("signal that something is wrong", "assets")
    job, asset = (look.value("API calls from alert to culprit", label) for label in ("job", "assets"))
    said = f"a failed check names dough and minutes in {asset:.0f} call; log and configuration of the job's run take {job:.0f}"
    return _three(signal == 1 and asset < job, partly=asset <= job), said


def only_the_asset(look: Look) -> tuple[Verdict, str]:
    """Fewer steps than the job in any of its ways."""
    scratch, chosen, asset = (look.value("steps executed", variant) for variant in (SCRATCH, STEPS, ONLY))
    said = f"{asset:.0f} steps as assets, {scratch:.0f} by the whole job, {chosen:.0f} by chosen steps of the job's old run"
    return _three(asset < min(scratch, chosen), partly=asset < scratch), said


def one_off(look: Look) -> tuple[Verdict, str]:
    """What is left behind."""
    job, asset = look.value("entries left in the catalog", "job"), look.value("entries left in the catalog", "asset")
    said = f"{job:.0f} entries left in the catalog by the job, {asset:.0f} by the asset; both moved the table"
    return _three(job < asset, partly=job == asset), said


def partitions(look: Look) -> tuple[Verdict, str]:
    """Runs for the same keys."""
    job, asset = (look.value("runs spent", f"partitioned {style}") for style in ("job", "asset"))
    return _three(
        asset < job, partly=asset == job
    ), f"{asset:.0f} run for five keys of the asset, {job:.0f} for five keys of the job"
