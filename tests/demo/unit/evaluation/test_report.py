"""The report turns figures into verdicts, a summary, and files that need no network."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import jsonschema

from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.results import Picture, Results
from demo.evaluation.measure.verdicts import Verdict
from demo.evaluation.report import summary
from demo.evaluation.report.claims import checked_claims
from demo.evaluation.report.write import HERE, report_files
from demo.evaluation.scenarios import SCENARIOS
from demo.evaluation.scenarios.freshness.silent_source import KEPT
from operate.compose import ROOT
from tests.demo.unit.evaluation.conftest import SAMPLE, changed


def test_committed_markdown_follows_from_the_committed_results(sample: dict[str, Any], results: Results) -> None:
    """Readers see the Markdown. It must show the figures of the JSON beside it, and no others."""
    results.pictures = [Picture(one["name"], one["title"], b"\x89PNG") for one in sample["pictures"]]
    assert report_files(results)["evaluation.md"] == SAMPLE.with_name("evaluation.md").read_bytes()


def test_summary_has_a_row_for_each_question_of_each_scenario(results: Results) -> None:
    """A question about a variant that no scenario measures would leave no row."""
    asked = [question.text for scenario in SCENARIOS for question in scenario.questions]
    assert [row.question for row in summary.rows(results)] == asked


def test_claim_of_a_failed_scenario_has_no_verdict(results: Results) -> None:
    """The report must name the scenario and its error instead."""
    results.scenarios["lineage"].error = "WaitError: nothing happened"
    claims = [claim for claim in checked_claims(results) if claim.scenario == "lineage"]
    assert {claim.verdict for claim in claims} == {Verdict.UNKNOWN}
    assert claims[0].because.startswith("lineage has not measured ")
    assert "Failed: WaitError: nothing happened" in report_files(results)["evaluation.html"].decode()


def test_summary_names_the_style_with_the_better_figure(results: Results) -> None:
    """More answers are better. A lower number is better for all other measures, and "never" is worst."""
    ahead = {row.question: row.ahead for row in summary.rows(results)}
    assert ahead["Where it comes from, what it affects"] == "assets"
    assert ahead["Left in the catalog afterwards"] == "jobs"
    assert ahead["A failed table, job from failure"] == "equal"
    assert ahead["Until old data is marked as such"] == "assets"
    changed(results, "freshness_source", Measure.UNTIL_FRESH, KEPT, None)
    (row,) = [row for row in summary.rows(results) if row.question == "From new data to a fresh summary"]
    assert (row.asset, row.ahead) == ("never", "jobs")


def test_summary_calls_seconds_equal_if_repetitions_disagree(results: Results) -> None:
    """The times of some machines vary more than the styles differ."""
    for one, value in zip(results.scenarios["freshness_source"].played, (10.0, 20.0, 30.0), strict=True):
        for index, old in enumerate(one.figures):
            if old.measure == Measure.UNTIL_FRESH:
                one.figures[index] = replace(old, value=2 * value - 15 if old.variant == KEPT else value)
    (row,) = [row for row in summary.rows(results) if row.question == "From new data to a fresh summary"]
    assert (row.task, row.asset, row.ahead) == ("20 (10 to 30) s", "25 (5 to 45) s", "equal")


def test_advice_lists_each_row_once_under_the_style_that_is_ahead(results: Results) -> None:
    """Advice needs figures, so the report omits advice without a row."""
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


def test_scenarios_record_no_constant_as_a_figure() -> None:
    """A number in the source code would not be a measurement."""
    seen = 0
    for path in (ROOT / "demo/evaluation/scenarios").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        added = [
            call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "add" and len(call.args) == 4
        ]
        seen += len(added)
        assert [call.lineno for call in added if isinstance(call.args[3], ast.Constant)] == [], path.name
    assert seen > len(SCENARIOS)


def test_sample_is_complete_and_matches_its_schema(sample: dict[str, Any]) -> None:
    """Readers see this report. No scenario may fail in it, and each needs at least three repetitions."""
    jsonschema.validate(sample, json.loads((HERE / "schema.json").read_text()))
    assert [scenario["name"] for scenario in sample["scenarios"]] == [scenario.name for scenario in SCENARIOS]
    assert {scenario["status"] for scenario in sample["scenarios"]} == {"played"}
    assert sample["about"]["repetitions"] >= 3
    # The limit is ten minutes on two cores. Most of that time a silent source waits for schedules that tick each minute.
    assert sample["about"]["seconds"] <= 600
    assert {len(figure["values"]) for scenario in sample["scenarios"] for figure in scenario["figures"]} == {
        sample["about"]["repetitions"]
    }
    assert {claim["verdict"] for claim in sample["claims"]} <= {"holds", "partly", "does not hold"}
    assert {picture["name"] for picture in sample["pictures"]} == {"asset_graph", "asset_page", "job_graph", "run_timeline"}


def test_sample_has_the_verdicts_of_the_current_code(sample: dict[str, Any], results: Results) -> None:
    """The committed report must not show verdicts of older code."""
    assert [claim["verdict"] for claim in sample["claims"]] == [str(claim.verdict) for claim in checked_claims(results)]
    assert [claim["because"] for claim in sample["claims"]] == [claim.because for claim in checked_claims(results)]


class Addresses(HTMLParser):
    """Collects all addresses that a page loads or links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects the addresses and the ID of a tag."""
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "srcset", "action"}]
        self.ids |= {value or "" for name, value in attrs if name == "id"}


def test_page_needs_no_network_and_has_no_broken_link(results: Results) -> None:
    """A reader can copy the page as one file. It contains the pictures and plots, and links only to its own parts."""
    html = report_files(results)["evaluation.html"].decode()
    page = Addresses()
    page.feed(html)
    assert [address for address in page.found if not address.startswith(("#", "data:image/png;base64,"))] == []
    assert {address[1:] for address in page.found if address.startswith("#")} <= page.ids
    assert not re.search(r"@import|url\(\s*['\"]?http|<script", html)
    assert html.count("<svg") >= 2 * len(SCENARIOS) - 2
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_page_escapes_the_text_of_a_scenario(results: Results) -> None:
    """An error message may contain any text, also markup."""
    results.scenarios["lineage"].error = "<script>alert(1)</script>"
    html = report_files(results)["evaluation.html"].decode()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
