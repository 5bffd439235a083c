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

from demo.evaluation.claims import CLAIMS, Claim, judge
from demo.evaluation.report import summary
from demo.evaluation.report.write import HERE, report_files
from demo.evaluation.results import Results
from demo.evaluation.scenarios import SCENARIOS
from demo.evaluation.verdicts import Verdict
from operate.compose import ROOT
from tests.demo.unit.evaluation.conftest import changed

SENSOR = "assets, by the freshness sensor"
FRESH = "from publication to a fresh summary"
# For each claim, by the name of its judge, a figure that turns its verdict, had it been measured so.
TURNED = {
    "job_graph": ("edges of the job's own graph", "job", 0, Verdict.HOLDS),
    "asset_lineage": ("questions of lineage answered rightly", "assets", 0, Verdict.NOT),
    "job_lineage": ("questions of lineage answered rightly", "job", 0, Verdict.HOLDS),
    "wiring": ("lines that only wire steps", "assets", 9, Verdict.NOT),
    "current": ("right answer: current after the fetch", "assets", 0, Verdict.NOT),
    "incremental": ("steps executed", "assets", 7, Verdict.NOT),
    "only_the_asset": ("steps executed", "job, chosen steps", 7, Verdict.HOLDS),
    "one_off": ("entries left in the catalog", "asset", 0, Verdict.PARTLY),
    "why_not_current": ("right answer: why it is not current", "assets", 0, Verdict.NOT),
    "from_scratch": ("steps executed", "job, from the source", 1, Verdict.NOT),
    "reuse": ("rows fetched again", "job, from stored tables", 110, Verdict.HOLDS),
    "stale_visible": ("from the last good data until it is marked stale", SENSOR, None, Verdict.NOT),
    "by_itself": (FRESH, SENSOR, None, Verdict.NOT),
    "eggs_before_baking": ("Dagster marks eggs whose date was changed in the table", "assets", 1, Verdict.HOLDS),
    "restart": ("steps after buying eggs", "job, chosen steps", 7, Verdict.HOLDS),
    "whole_pipeline": ("steps executed", "job, from failure", 4, Verdict.HOLDS),
    "the_asset_again": ("run succeeds", "assets, from failure", 1, Verdict.HOLDS),
    "product_is_bad": ("failed steps or checks that warn", "assets", 0, Verdict.NOT),
}


def test_every_claim_is_turned_by_a_figure() -> None:
    """The table above has a figure for each claim. A claim without one could not fail."""
    assert [claim.judge.__name__ for claim in CLAIMS] == list(TURNED)


@pytest.mark.parametrize("claim", CLAIMS, ids=list(TURNED))
def test_the_verdict_is_whatever_the_figures_say(results: Results, claim: Claim) -> None:
    """With one figure changed, another verdict."""
    measure, variant, value, turned = TURNED[claim.judge.__name__]
    before = claim.judged(results).verdict
    after = claim.judged(changed(results, claim.scenario, measure, variant, value)).verdict
    assert after == turned
    assert before != after


def test_a_claim_whose_scenario_failed_has_no_verdict(results: Results) -> None:
    """And the report names the scenario."""
    results.scenarios["lineage"].error = "WaitError: nothing happened"
    judged = [claim for claim in judge(results) if claim.scenario == "lineage"]
    assert {claim.verdict for claim in judged} == {Verdict.UNKNOWN}
    assert judged[0].because.startswith("lineage has not measured ")
    assert "Failed: WaitError: nothing happened" in report_files(results)["evaluation.html"].decode()


def test_who_is_ahead_follows_the_figures(results: Results) -> None:
    """More is better for answers, less for everything else; what never happens is behind."""
    ahead = {row.question: row.ahead for row in summary.rows(results)}
    assert ahead["Where it comes from, what it affects"] == "assets"
    assert ahead["Left in the catalog afterwards"] == "jobs"
    assert ahead["A failed table, job from failure"] == "equal"
    assert ahead["Until old data is marked as such"] == "assets"
    changed(results, "freshness_source", FRESH, SENSOR, None)
    (row,) = [row for row in summary.rows(results) if row.question == "From new data to a fresh summary"]
    assert (row.asset, row.ahead) == ("never", "jobs")


def test_seconds_are_equal_where_each_is_ahead_at_times(results: Results) -> None:
    """On machines whose times vary more than that."""
    for one, value in zip(results.scenarios["freshness_source"].played, (10.0, 20.0, 30.0), strict=True):
        for index, old in enumerate(one.figures):
            if old.measure == FRESH:
                one.figures[index] = replace(old, value=2 * value - 15 if old.variant == SENSOR else value)
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
    for path in (ROOT / "evaluation/scenarios").glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        added = [
            call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "add" and len(call.args) == 5
        ]
        assert [call.lineno for call in added if isinstance(call.args[3], ast.Constant)] == [], path.name


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
    assert [claim["verdict"] for claim in sample["claims"]] == [str(claim.verdict) for claim in judge(results)]
    assert [claim["because"] for claim in sample["claims"]] == [claim.because for claim in judge(results)]


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
