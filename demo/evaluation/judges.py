"""Judges of the claims. Each returns a verdict, and the measurement in a sentence."""

from __future__ import annotations

from math import inf

from demo.evaluation import SHORT
from demo.evaluation.figures import quantity
from demo.evaluation.scenarios.debugging import FAILURE, ONLY, RUN_AGAIN, SCRATCH
from demo.evaluation.scenarios.eggs import CHOSEN
from demo.evaluation.scenarios.freshness import KEPT, SCHEDULED
from demo.evaluation.scenarios.reuse import FORK, NEW, TABLES
from demo.evaluation.verdicts import Judgement, Look, Verdict, calls, steps, three

LINEAGE_QUESTIONS = 3
# The freshness window during the evaluation, in seconds.
WINDOW = float(SHORT["USERS_FRESHNESS_SECONDS"])


def job_graph(look: Look) -> Judgement:
    """Holds if the job's graph has no edges."""
    edges = look.value("edges of the job's own graph", "job")
    return three(edges == 0, partly=False), f"the API gives the job's graph with {edges:.0f} edges, and the UI draws it"


def asset_lineage(look: Look) -> Judgement:
    """Holds if the assets' graph answers all questions of lineage."""
    right = look.value("questions of lineage answered rightly", "assets")
    return three(
        right == LINEAGE_QUESTIONS, partly=right > 0
    ), f"{right:.0f} of 3 questions answered rightly by the graph of assets"


def job_lineage(look: Look) -> Judgement:
    """Holds if no answer is right."""
    right = look.value("questions of lineage answered rightly", "job")
    opened = look.value("definitions to open for the others", "job")
    said = f"{right:.0f} of 3 questions answered rightly by the graphs of steps; {opened:.0f} definitions to open for the others"
    return three(right == 0, partly=right < LINEAGE_QUESTIONS), said


def wiring(look: Look) -> Judgement:
    """Compares the lines that only wire steps."""
    job, assets = (look.value("lines that only wire steps", label) for label in ("job", "assets"))
    said = f"{assets:.0f} lines of wiring for four assets, whose parameters name what they are made of, {job:.0f} for four ops"
    return three(assets < job, partly=False), said


def current(look: Look) -> Judgement:
    """Holds if the asset's own status tells; partly if only its upstream assets tell."""
    way = look.value("right answer: current after the fetch", "assets")
    own = look.value("right answer: current after the fetch, by its own status", "assets")
    rest = "and so is data_extraction_summary" if own else "but data_extraction_summary, made of that, is not: look up the graph"
    said = (
        f"once new raw data is fetched, transformed_user_data is marked stale, {rest}" if way else "the stale asset is not marked"
    )
    return three(way == own == 1, partly=way == 1), said


def why_not_current(look: Look) -> Judgement:
    """Holds if Dagster names the cause, and sees new data even before the fetch."""
    named = look.value("right answer: why it is not current", "assets")
    before = look.value("right answer: current before the fetch", "assets")
    said = "the raw data is named as the cause" if named else "the cause is not named"
    unseen = "" if before else "; that the source has newer data is not seen before it is fetched"
    return three(named == before == 1, partly=named == 1), said + unseen


def incremental(look: Look) -> Judgement:
    """Holds for one step and no hand-written data version; partly for fewer steps than the job."""
    job, asset = (look.value("steps executed", label) for label in ("job", "assets"))
    if asset == inf:
        return Verdict.UNKNOWN, "the sensor is off: nobody knows what would have followed"
    lines = look.value("lines that make a data version of the content", "assets")
    said = f"{steps(asset)} by assets, {job:.0f} by the job, for the same eggs; {lines:.0f} lines make a data version"
    return three(asset == 1 and lines == 0, partly=asset < job), said


def only_the_asset(look: Look) -> Judgement:
    """Holds if the job saves no steps by running only chosen ones."""
    scratch, chosen, asset = (look.value("steps executed", variant) for variant in (SCRATCH, CHOSEN, ONLY))
    said = f"{asset:.0f} steps as assets, a check included; {scratch:.0f} by the whole job, {chosen:.0f} by chosen steps of it"
    return three(asset < scratch <= chosen, partly=asset < scratch), said


def one_off(look: Look) -> Judgement:
    """Compares the catalog entries left behind, if both did the work."""
    job, asset = (look.value("entries left in the catalog", variant) for variant in ("job", "asset"))
    moved = all(look.value("table moved", variant) == 1 for variant in ("job", "asset"))
    said = f"{job:.0f} entries left in the catalog by the job, {asset:.0f} by the asset; {'both' if moved else 'not both'} did it"
    return three(moved and job < asset, partly=moved and job == asset), said


def from_scratch(look: Look) -> Judgement:
    """Compares the steps of both."""
    job, peanuts = look.value("steps executed", FORK), look.value("steps executed", NEW)
    said = f"{job:.0f} steps by the forked job, {peanuts:.0f} by assets on the dough that is there"
    return three(peanuts < job, partly=peanuts == job), said


def reuse(look: Look) -> Judgement:
    """Compares the rows fetched again, also by a job on stored tables, and the sources that Dagster knows."""
    fork, tables, asset = (look.value("rows fetched again", variant) for variant in (FORK, TABLES, NEW))
    known, known_by_assets = (look.value("sources that Dagster knows of", variant) for variant in (TABLES, NEW))
    said = (
        f"{asset:.0f} rows fetched again by the asset, {fork:.0f} by the forked job, {tables:.0f} by one on stored tables; "
        f"of its sources Dagster then knows {known:.0f} of 2, of the asset's {known_by_assets:.0f}"
    )
    return three(asset < min(fork, tables), partly=asset < fork), said


def stale_visible(look: Look) -> Judgement:
    """Holds if assets are marked within two windows, and earlier than the job's data."""
    measure = "from the last good data until it is marked stale"
    marked, by_job = look.value(measure, KEPT), look.value(measure, SCHEDULED)
    mark = "the job marks no data" if by_job == inf else f"what the job made after {look.text(measure, SCHEDULED)} s"
    failed = look.text("from the silence until a run has failed", SCHEDULED)
    said = (
        f"marked stale {look.text(measure, KEPT)} s after the last good data, window {WINDOW:.0f} s; {mark}; a run that its "
        f"schedule starts fails {failed} s after the source, as one of the assets' own schedule would, which is off here"
    )
    return three(marked <= 2 * WINDOW and marked < by_job, partly=marked < inf), said


def by_itself(look: Look) -> Judgement:
    """Holds if the sensor refreshes before the job's schedule; partly if it refreshes at all."""
    measure = "from publication to a fresh summary"
    asset = look.value(measure, KEPT)
    order = look.compare(measure, KEPT, SCHEDULED)
    said = f"fresh after {look.text(measure, KEPT)} s by the sensor, after {look.text(measure, SCHEDULED)} s by a schedule"
    ahead = {0: "neither was always ahead", 1: "the schedule was ahead", -1: "the sensor was ahead"}[order]
    return three(asset < inf and order < 0, partly=asset < inf), f"{said}: {ahead}"


def eggs_before_baking(look: Look) -> Judgement:
    """Holds if Dagster marks the eggs; partly if only the hand-written check stops them."""
    known = look.value("Dagster marks eggs whose date was changed in the table", "assets")
    stopped = {
        label: look.value("the hand-written check stops old eggs", f"{label} with a date check") for label in ("job", "assets")
    }
    said = "Dagster marks the eggs" if known else "Dagster sees when eggs were materialized, not what their date says"
    by = " and of the ".join(label for label, value in stopped.items() if value == 1) or "neither"
    return three(known == 1, partly=stopped["assets"] == 1), f"{said}; the hand-written check of the {by} stops old eggs"


def restart(look: Look) -> Judgement:
    """Compares the steps after the failed check, with chosen steps of the job."""
    measure = "steps after buying eggs"
    whole, chosen = look.value(measure, "job with a date check"), look.value(measure, CHOSEN)
    asset = look.value(measure, "assets with a date check")
    said = f"{whole:.0f} steps by the whole job, {chosen:.0f} by its chosen steps, {asset:.0f} by assets"
    return three(chosen >= whole, partly=chosen > asset), said


def whole_pipeline(look: Look) -> Judgement:
    """Holds if from failure takes as many steps as from scratch; partly if more than assets."""
    scratch, failure, asset = (look.value("steps executed", variant) for variant in (SCRATCH, FAILURE, ONLY))
    said = f"{steps(failure)} from failure, {scratch:.0f} from scratch, {asset:.0f} as assets"
    return three(failure >= scratch, partly=failure > asset), said


def the_asset_again(look: Look) -> Judgement:
    """Holds if the failed asset is enough, for a failed table and for a bad record."""
    record, job = look.value("run succeeds", RUN_AGAIN), look.value("run succeeds", FAILURE)
    table = look.of("debugging_table").value("run succeeds", RUN_AGAIN)
    enough = [what for what, again in (("a failed table", table), ("a bad record", record)) if again == 1]
    said = f"enough for {' and for '.join(enough)}" if enough else "not enough"
    if record < 1:
        style = "in both styles" if job < 1 else "as assets only"
        needed = look.value("steps executed", ONLY)
        said += f"; a bad record has been kept, and fails again {style}: with the fetch it takes {needed:.0f} steps"
    return three(record == table == 1, partly=bool(enough)), said


def product_is_bad(look: Look) -> Judgement:
    """Holds if assets warn more than the job, without a hand-written check."""
    signal, silent = (look.value("failed steps or checks that warn", label) for label in ("assets", "job"))
    job, asset = (look.value("API calls from bad cookies to the reason", label) for label in ("job", "assets"))
    lines = look.value("lines of the hand-written check", "assets")
    said = (
        f"{quantity(f'{signal:.0f}', 'checks')} of the dough, {lines:.0f} lines written by hand, names the minutes; of the job "
        f"{silent:.0f} steps complain, since it was given no check: a person finds the reason in its log and its configuration; "
        f"{calls(asset)} against {calls(job)}"
    )
    return three(signal > silent and lines == 0, partly=signal > silent or asset < job), said
