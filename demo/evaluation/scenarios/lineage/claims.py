"""The claims about lineage, and their verdicts."""

from __future__ import annotations

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.verdicts import ReasonedVerdict, ScenarioFigures, verdict
from demo.evaluation.scenarios.lineage.answers import AFTER, BEFORE, LINEAGE

QUESTIONS = len(LINEAGE)


def job_graph(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if the job's graph has no edges."""
    edges = figures.value(Measure.EDGES, Variant.JOB)
    return verdict(holds=edges == 0), f"the API gives the job's graph with {edges:.0f} edges, and the UI draws it"


def asset_lineage(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if the assets' graph answers all questions of lineage."""
    right = figures.value(Measure.LINEAGE_ANSWERS, Variant.ASSETS)
    said = f"{right:.0f} of {QUESTIONS} questions answered rightly by the graph of assets"
    return verdict(holds=right == QUESTIONS, partly=right > 0), said


def job_lineage(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if no answer is right."""
    right = figures.value(Measure.LINEAGE_ANSWERS, Variant.JOB)
    opened = figures.value(Measure.DEFINITIONS, Variant.JOB)
    answered = f"{right:.0f} of {QUESTIONS} questions answered rightly by the graphs of steps"
    said = f"{answered}; {opened:.0f} definitions to open for the others"
    return verdict(holds=right == 0, partly=right < QUESTIONS), said


def wiring(figures: ScenarioFigures) -> ReasonedVerdict:
    """Compares the lines that only wire steps."""
    job, assets = (figures.value(Measure.WIRING, variant) for variant in (Variant.JOB, Variant.ASSETS))
    said = f"{assets:.0f} lines of wiring for four assets, whose parameters name what they are made of, {job:.0f} for four ops"
    return verdict(holds=assets < job), said


def current(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if the asset's own status tells; partly if only its upstream assets tell."""
    way = figures.value(AFTER, Variant.ASSETS)
    own = figures.value(Measure.RIGHT_OWN_STATUS, Variant.ASSETS)
    rest = "and so is data_extraction_summary" if own else "but data_extraction_summary, made of that, is not: look up the graph"
    marked = f"once new raw data is fetched, transformed_user_data is marked stale, {rest}"
    return verdict(holds=way == own == 1, partly=way == 1), marked if way else "the stale asset is not marked"


def why_not_current(figures: ScenarioFigures) -> ReasonedVerdict:
    """Holds if Dagster names the cause, and sees new data even before the fetch."""
    named = figures.value(Measure.RIGHT_REASON, Variant.ASSETS)
    before = figures.value(BEFORE, Variant.ASSETS)
    said = "the raw data is named as the cause" if named else "the cause is not named"
    unseen = "" if before else "; that the source has newer data is not seen before it is fetched"
    return verdict(holds=named == before == 1, partly=named == 1), said + unseen


CLAIMS = (
    Claim(Source.COMPARISON, 1, "A job is shown as a linear list, without a graph.", job_graph),
    Claim(Source.COMPARISON, 2, "Assets show where data comes from.", asset_lineage),
    Claim(Source.COMPARISON, 3, "Jobs have no built-in lineage.", job_lineage),
    Claim(Source.COMPARISON, 4, "Dependencies of assets follow from parameters; a job is wired by hand.", wiring),
    Claim(Source.COMPARISON, 5, "Dagster tracks what exists and what needs updating.", current),
    Claim(Source.LESSON, 1, "It is easy to tell why an asset is out of date.", why_not_current),
)
