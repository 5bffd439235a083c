"""The report turns figures into verdicts, a summary, and files that need no network."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from demo.evaluation.measure.claims import Claim
from demo.evaluation.measure.measures import Measure, Variant
from demo.evaluation.measure.results import Results
from demo.evaluation.measure.verdicts import Verdict
from demo.evaluation.report import summary
from demo.evaluation.report.claims import checked_claims
from demo.evaluation.report.write import HERE, report_files
from demo.evaluation.scenarios import SCENARIOS, SUMMARISED
from demo.evaluation.scenarios.beyond import one_off
from demo.evaluation.scenarios.freshness.silent_source import KEPT
from demo.evaluation.scenarios.reuse.posts_by_city import TABLES
from operate.compose import ROOT
from tests.demo.unit.evaluation.conftest import changed

# For each claim, by the name of its function, a figure that turns its verdict, had it been measured so.
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


def test_every_claim_is_turned_by_a_figure() -> None:
    """The table above has a figure for each claim. A claim without one could not fail."""
    assert [claim.decide.__name__ for claim, _ in CLAIMS] == list(TURNED)


def test_every_claim_has_a_place_of_its_own_in_its_text() -> None:
    """Two claims at one place would stand in the order of the scenarios."""
    assert len({claim.order for claim, _ in CLAIMS}) == len(CLAIMS)


def test_the_summary_asks_every_scenario_and_finds_every_figure(results: Results) -> None:
    """A question whose variant nobody measures would leave no row."""
    assert sorted(scenario.name for scenario in SUMMARISED) == sorted(scenario.name for scenario in SCENARIOS)
    asked = [question.text for scenario in SUMMARISED for question in scenario.questions]
    assert [row.question for row in summary.rows(results)] == asked


@pytest.mark.parametrize(("claim", "scenario"), CLAIMS, ids=list(TURNED))
def test_the_verdict_is_whatever_the_figures_say(results: Results, claim: Claim, scenario: str) -> None:
    """With one figure changed, another verdict."""
    measure, variant, value, turned = TURNED[claim.decide.__name__]
    before = claim.check(results.of_scenario(scenario)).verdict
    after = claim.check(changed(results, scenario, measure, variant, value).of_scenario(scenario)).verdict
    assert after == turned
    assert before != after


def test_a_claim_whose_scenario_failed_has_no_verdict(results: Results) -> None:
    """And the report names the scenario."""
    results.scenarios["lineage"].error = "WaitError: nothing happened"
    claims = [claim for claim in checked_claims(results) if claim.scenario == "lineage"]
    assert {claim.verdict for claim in claims} == {Verdict.UNKNOWN}
    assert claims[0].because.startswith("lineage has not measured ")
    assert "Failed: WaitError: nothing happened" in report_files(results)["evaluation.html"].decode()


def test_who_is_ahead_follows_the_figures(results: Results) -> None:
    """More is better for answers, less for everything else; what never happens is behind."""
    ahead = {row.question: row.ahead for row in summary.rows(results)}
    assert ahead["Where it comes from, what it affects"] == "assets"
    assert ahead["Left in the catalog afterwards"] == "jobs"
    assert ahead["A failed table, job from failure"] == "equal"
    assert ahead["Until old data is marked as such"] == "assets"
    changed(results, "freshness_source", Measure.UNTIL_FRESH, KEPT, None)
    (row,) = [row for row in summary.rows(results) if row.question == "From new data to a fresh summary"]
    assert (row.asset, row.ahead) == ("never", "jobs")


def test_seconds_are_equal_where_each_is_ahead_at_times(results: Results) -> None:
    """On machines whose times vary more than that."""
    for one, value in zip(results.scenarios["freshness_source"].played, (10.0, 20.0, 30.0), strict=True):
        for index, old in enumerate(one.figures):
            if old.measure == Measure.UNTIL_FRESH:
                one.figures[index] = replace(old, value=2 * value - 15 if old.variant == KEPT else value)
    (row,) = [row for row in summary.rows(results) if row.question == "From new data to a fresh summary"]
    assert (row.task, row.asset, row.ahead) == ("20 (10 to 30) s", "25 (5 to 45) s", "equal")


def test_advice_names_only_where_a_style_is_ahead(results: Results) -> None:
    """Every row once; advice without a row is not given."""
    given = {one.what: {row.ahead for row in one.rows} for one in summary.advice(results)}
    assert given == {
        "Use assets": {"assets"},
        "Use jobs": {"jobs"},
        "What assets cost": {"jobs"},
        "No style was ahead": {"equal"},
    }
    assert sum(len(one.rows) for one in summary.advice(results)) == len(summary.rows(results))
    results.scenarios = {name: result for name, result in results.scenarios.items() if name == "lineage"}
    assert [one.what for one in summary.advice(results)] == ["Use assets", "No style was ahead"]


def test_no_figure_is_written_down() -> None:
    """Each is measured: no number stands where a figure's value belongs."""
    seen = 0
    for path in (ROOT / "demo/evaluation/scenarios").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        added = [
            call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "add" and len(call.args) == 4
        ]
        seen += len(added)
        assert [call.lineno for call in added if isinstance(call.args[3], ast.Constant)] == [], path.name
    assert seen > len(SCENARIOS)


def test_the_sample_is_complete_and_as_its_schema_says(sample: dict[str, Any]) -> None:
    """A run of all scenarios, none of which failed, each repeated three times or more."""
    jsonschema.validate(sample, json.loads((HERE / "schema.json").read_text()))
    assert [scenario["name"] for scenario in sample["scenarios"]] == [scenario.name for scenario in SCENARIOS]
    assert {scenario["status"] for scenario in sample["scenarios"]} == {"played"}
    assert sample["about"]["repetitions"] >= 3
    # Ten minutes, on two cores. Most of it is the silence, which ends when schedules of a minute have come round.
    assert sample["about"]["seconds"] <= 600
    assert {len(figure["values"]) for scenario in sample["scenarios"] for figure in scenario["figures"]} == {
        sample["about"]["repetitions"]
    }
    assert {claim["verdict"] for claim in sample["claims"]} <= {"holds", "partly", "does not hold"}
    assert {picture["name"] for picture in sample["pictures"]} == {"asset_graph", "asset_page", "job_graph", "run_timeline"}


def test_the_sample_says_what_its_figures_say(sample: dict[str, Any], results: Results) -> None:
    """The verdicts of the committed report are those that today's code comes to."""
    assert [claim["verdict"] for claim in sample["claims"]] == [str(claim.verdict) for claim in checked_claims(results)]
    assert [claim["because"] for claim in sample["claims"]] == [claim.because for claim in checked_claims(results)]


class Addresses(HTMLParser):
    """Every address that a page would load or lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes them."""
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "srcset", "action"}]
        self.ids |= {value or "" for name, value in attrs if name == "id"}


def test_the_page_needs_no_network_and_leads_nowhere_that_is_not_there(results: Results) -> None:
    """One file: pictures and plots are in it, every link is to a part of it."""
    html = report_files(results)["evaluation.html"].decode()
    page = Addresses()
    page.feed(html)
    assert [address for address in page.found if not address.startswith(("#", "data:image/png;base64,"))] == []
    assert {address[1:] for address in page.found if address.startswith("#")} <= page.ids
    assert not re.search(r"@import|url\(\s*['\"]?http|<script", html)
    assert html.count("<svg") >= 2 * len(SCENARIOS) - 2
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_text_of_a_scenario_cannot_become_markup(results: Results) -> None:
    """An error message may hold anything."""
    results.scenarios["lineage"].error = "<script>alert(1)</script>"
    html = report_files(results)["evaluation.html"].decode()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
