"""Claims of the lesson follow from figures: other figures lead to other verdicts."""

from __future__ import annotations

import pytest

from demo.evaluation.measure.claims import Claim
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.results import Results
from demo.evaluation.measure.verdicts import Verdict
from demo.evaluation.report.claims import checked_claims
from demo.evaluation.scenarios import SCENARIOS
from demo.evaluation.scenarios.beyond import one_off
from demo.evaluation.scenarios.freshness.silent_source import KEPT
from demo.evaluation.scenarios.reuse.posts_by_city import TABLES
from tests.demo.unit.evaluation.conftest import changed

# Each claim, by the name of its function, has a figure with another value, and the verdict that this value causes.
TURNED = {
    "job_graph": (Measure.EDGES, Variant.JOB, 0, Verdict.HOLDS),
    "asset_lineage": (Measure.LINEAGE_ANSWERS, Variant.ASSETS, 0, Verdict.NOT),
    "job_lineage": (Measure.LINEAGE_ANSWERS, Variant.JOB, 0, Verdict.HOLDS),
    "wiring": (Measure.WIRING, Variant.ASSETS, 9, Verdict.NOT),
    "current": (Measure.RIGHT_AFTER, Variant.ASSETS, 0, Verdict.NOT),
    "incremental": (Measure.STEPS, Variant.ASSETS, 7, Verdict.NOT),
    "only_the_asset": (Measure.STEPS, Variant.CHOSEN, 7, Verdict.HOLDS),
    "one_off": (Measure.CATALOG_ENTRIES, one_off.ASSET, 0, Verdict.PARTLY),
    "why_not_current": (Measure.RIGHT_REASON, Variant.ASSETS, 0, Verdict.NOT),
    "from_scratch": (Measure.STEPS, Variant.FORK, 1, Verdict.NOT),
    "reuse": (Measure.ROWS_AGAIN, TABLES, 110, Verdict.HOLDS),
    "stale_visible": (Measure.UNTIL_STALE, KEPT, None, Verdict.NOT),
    "by_itself": (Measure.UNTIL_FRESH, KEPT, None, Verdict.NOT),
    "eggs_before_baking": (Measure.EGGS_MARKED, Variant.ASSETS, 1, Verdict.HOLDS),
    "restart": (Measure.STEPS_AFTER_EGGS, Variant.CHOSEN, 7, Verdict.HOLDS),
    "whole_pipeline": (Measure.STEPS, Variant.FAILURE, 4, Verdict.HOLDS),
    "the_asset_again": (Measure.RUN_SUCCEEDS, Variant.ASSETS_AGAIN, 1, Verdict.HOLDS),
    "product_is_bad": (Measure.WARNINGS, Variant.ASSETS, 0, Verdict.NOT),
}
CLAIMS = sorted(((claim, scenario.name) for scenario in SCENARIOS for claim in scenario.claims), key=lambda owned: owned[0].order)


def test_table_has_a_figure_that_changes_the_verdict_of_each_claim() -> None:
    """A claim without such a figure could not fail in the test of the verdicts."""
    assert [claim.decide.__name__ for claim, _ in CLAIMS] == list(TURNED)


def test_claims_have_different_places_in_the_report() -> None:
    """The report sorts the claims by place. Two claims at one place would have the order of the scenarios."""
    assert len({claim.order for claim, _ in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(("claim", "scenario"), CLAIMS, ids=list(TURNED))
def test_verdict_changes_with_its_figure(results: Results, claim: Claim, scenario: str) -> None:
    """A verdict must follow from the figures, so another figure must give another verdict."""
    measure, variant, value, turned = TURNED[claim.decide.__name__]
    before = claim.check(results.of_scenario(scenario)).verdict
    after = claim.check(changed(results, scenario, measure, variant, value).of_scenario(scenario)).verdict
    assert after == turned
    assert before != after


def test_verdict_on_a_sensor_that_launched_nothing_says_so(results: Results) -> None:
    """A user who has turned it off would otherwise believe that assets do not refresh."""
    changed(results, "freshness_source", Measure.RUNS_SPENT, KEPT, 0)
    assert "freshness_sensor launched no run: look in the UI whether it is on" in {one.because for one in checked_claims(results)}
