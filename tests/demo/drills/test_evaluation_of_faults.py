"""`make evaluate` completes on a copy with workers, and its figures show the faults of a deployment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_api.schedules_and_sensors import sensor
from demo.evaluate import FILES
from operate.compose import ROOT
from operate.up import ensure_base_images
from tests.demo.stack.conftest import Demo

pytestmark = pytest.mark.timeout(900)
SAMPLE = ROOT / "demo/report/evaluation.json"
KEPT = "assets, by the freshness sensor"
PLANTED = "tests/demo/drills/planted/compose.yml"


def evaluate(stack: Demo, folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Returns the JSON report, and the standard error of the evaluation."""
    command = [sys.executable, "-m", "demo.evaluate", "--into", str(folder), "--repeat", "1", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=stack.environ, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads((folder / "evaluation.json").read_text()), ran.stderr


def figures(report: dict[str, Any]) -> dict[tuple[str, str, str], float | None]:
    """Returns the medians by scenario, measure and variant."""
    return {
        (scenario["name"], figure["measure"], figure["variant"]): figure["median"]
        for scenario in report["scenarios"]
        for figure in scenario["figures"]
    }


def shape(report: dict[str, Any]) -> list[Any]:
    """Returns the report without its numbers, times and verdicts."""
    scenarios = [
        [
            *(scenario[name] for name in ("name", "title", "story", "status", "error")),
            [[figure[name] for name in ("measure", "variant", "style", "unit")] for figure in scenario["figures"]],
        ]
        for scenario in report["scenarios"]
    ]
    claims = [[claim[name] for name in ("source", "text", "scenario")] for claim in report["claims"]]
    return [sorted(report), sorted(report["about"]), scenarios, claims, report["pictures"]]


@pytest.fixture
def planted(still: Demo) -> Iterator[Demo]:
    """Yields the copy with three faults.

    The same eggs count as new data. The freshness sensor is stopped. The evaluation retries runs from scratch, not from failure.
    """
    before, switch = dict(still.environ), sensor(still.client, "freshness_sensor")
    still.compose("build", "--quiet", "evaluation")
    still.environ["COMPOSE_FILE"] += f":{PLANTED}"
    ensure_base_images(still.environ)
    still.compose("build", "--quiet", "user_code")
    switch.turn(on=False)
    still.up()
    yield still
    still.environ = before
    still.up("--remove-orphans")
    switch.turn(on=True)


def test_evaluation_report_shows_each_fault_of_the_deployment(planted: Demo, tmp_path: Path) -> None:
    """The report has the same parts as the committed one. Its figures must differ where the deployment is wrong."""
    report, said = evaluate(planted, tmp_path, "--patience", "100")
    right = json.loads(SAMPLE.read_text())
    assert shape(report) == shape(right)
    report_shows_retries_from_scratch(report, right)
    report_shows_a_source_that_stays_stale(report)
    assert said.count("[11/11]") == 1
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert planted.warehouse("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'retired%'") == ["0"]
    assert planted.warehouse("SELECT count(*) FROM pg_views WHERE viewname = 'report'") == ["0"]
    switch = sensor(planted.client, "freshness_sensor")
    assert not switch.is_on()
    # Only the sensor materializes what new data affects.
    switch.turn(on=True)
    again, _ = evaluate(planted, tmp_path / "again", "--only", "incremental")
    report_shows_an_ignored_cache(again, right)


def claims(report: dict[str, Any], what: str) -> dict[str, str]:
    """Returns the verdicts, or the reasons for them, by the text of the claim."""
    return {claim["text"]: claim[what] for claim in report["claims"]}


def report_shows_retries_from_scratch(report: dict[str, Any], right: dict[str, Any]) -> None:
    repeated = ("debugging_table", "steps executed", "job, from failure")
    assert (figures(right)[repeated], figures(report)[repeated]) == (1, 3)
    assert claims(report, "verdict")["With tasks, debugging means executing the whole pipeline again."] == "holds"


def report_shows_an_ignored_cache(report: dict[str, Any], right: dict[str, Any]) -> None:
    eggs = ("incremental", "steps executed", "assets")
    assert figures(right)[eggs] == 1
    assert (figures(report)[eggs] or 0) > 1
    assert not claims(report, "because")["Incremental updates are built in for assets."].startswith("1 step ")


def report_shows_a_source_that_stays_stale(report: dict[str, Any]) -> None:
    """Dagster marks the source as stale, and nothing refreshes it."""
    found = figures(report)
    assert found["freshness_source", "from publication to a fresh summary", KEPT] is None
    assert found["freshness_source", "runs spent", KEPT] == 0
    assert (found["freshness_source", "from the last good data until it is marked stale", KEPT] or 0) >= 60
    assert (found["freshness_source", "from publication to a fresh summary", "job, by its schedule"] or 0) > 0
    (claim,) = [text for text in claims(report, "verdict") if text.startswith("What is expired is refreshed")]
    assert claims(report, "verdict")[claim] == "does not hold"
    assert "launched no run" in claims(report, "because")[claim]
