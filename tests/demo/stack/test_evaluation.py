"""`make evaluate` completes on the copy, and its figures show the faults of a deployment."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_api.schedules_and_sensors import schedule, sensor
from dagster_api.waiting import seen, wait_for
from demo.evaluate import FILES
from operate.compose import ROOT
from operate.overlays import WORKER
from operate.up import ensure_base_images
from tests.demo.stack.conftest import Demo

pytestmark = pytest.mark.timeout(900)
SAMPLE = ROOT / "demo/report/evaluation.json"
KEPT = "assets, by the freshness sensor"


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
    """Yields the copy with workers, which execute its runs, and with three faults.

    The same eggs count as new data. The freshness sensor is stopped. The evaluation retries runs from scratch, not from failure.
    """
    before, switch = dict(still.environ), sensor(still.client, "freshness_sensor")
    still.compose("build", "--quiet", "evaluation")
    still.environ["COMPOSE_FILE"] += f":{WORKER}:tests/demo/stack/planted/compose.yml"
    still.environ["RUN_ISOLATION"] = "worker"
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
    report_shows_an_ignored_cache(evaluate_as_a_reader(planted, tmp_path / "again", ["incremental"]), right)


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
    (verdict,) = [
        verdict for text, verdict in claims(report, "verdict").items() if text.startswith("What is expired is refreshed")
    ]
    assert verdict == "does not hold"


def evaluate_as_a_reader(stack: Demo, folder: Path, played: list[str]) -> dict[str, Any]:
    """Plays scenarios twice with the commands of the demo's README, which need no Python on the host; returns the report.

    Each repetition starts with the data of the previous repetition. After the evaluation, the source must behave as before.
    """
    folder.mkdir()
    ((typed, unpack),) = re.findall(
        r"```sh\n([^`]*) > report.tar\n(mkdir -p reports [^`]*)\n```", (ROOT / "demo/README.md").read_text()
    )
    reports = folder / "reports"
    stack.control(behaviour="incomplete")
    script = f"{typed} --repeat 2 --only {' '.join(played)} > report.tar\n{unpack}".replace("report", f"{folder}/report")
    ran = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=stack.environ, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert {path.name for path in reports.iterdir()} == FILES
    assert behaviour(stack) == "incomplete"
    report: dict[str, Any] = json.loads((reports / "evaluation.json").read_text())
    assert [scenario["name"] for scenario in report["scenarios"]] == played
    assert {len(figure["values"]) for scenario in report["scenarios"] for figure in scenario["figures"]} == {2}
    stack.control(behaviour="ok")
    return report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "everything"], "argument --only: invalid choice: 'everything' (choose from"),
        (["--repeat", "0"], "argument --repeat: invalid choice: "),
    ],
)
def test_evaluation_rejects_invalid_arguments_before_it_restarts_a_service(
    still: Demo, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """A typing error must restart no service. The error message must name the argument."""
    before = still.compose("ps", "--quiet")
    command = [sys.executable, "-m", "demo.evaluate", "--into", str(tmp_path), *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=still.environ, text=True, capture_output=True, check=False)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert still.compose("ps", "--quiet") == before


def behaviour(stack: Demo) -> str:
    """Returns the current behaviour of the source."""
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/control').read().decode())"
    return str(json.loads(stack.compose("exec", "-T", "users_api", "python", "-c", ask))["behaviour"])


def test_evaluation_restores_the_deployment_after_ctrl_c(still: Demo, tmp_path: Path) -> None:
    """Ctrl-C comes while data is bad and the sensor is stopped. Data, schedules, sensor and containers must be restored.

    A second Ctrl-C must not prevent that.
    """
    still.schedules(running=True)
    said, report = tmp_path / "said", tmp_path / "report"
    command = [sys.executable, "-m", "demo.evaluate", "--into", str(report), "--only", "debugging_record"]
    with said.open("w") as stderr:
        evaluation = subprocess.Popen(
            command, cwd=ROOT, env=still.environ, text=True, stderr=stderr, stdout=subprocess.PIPE, start_new_session=True
        )
    try:
        wait_for("the bad record", lambda: seen(bad_records(still) > 0, behaviour(still)), seconds=240)
        os.killpg(evaluation.pid, signal.SIGINT)
        wait_for("an answer", lambda: seen("evaluate: stopping, " in said.read_text(), said.read_text()), seconds=30)
        os.killpg(evaluation.pid, signal.SIGINT)
        stdout, _ = evaluation.communicate(timeout=180)
    finally:
        evaluation.kill()
    assert (evaluation.returncode, stdout) == (130, ""), said.read_text()
    assert said.read_text().endswith("evaluate: stopped; what it had changed is restored\n")
    assert (behaviour(still), bad_records(still)) == ("ok", 0)
    switches = [schedule(still.client, name) for name in ("users_assets_schedule", "data_extraction_schedule")]
    assert [switch.is_on() for switch in (*switches, sensor(still.client, "freshness_sensor"))] == [True] * 3
    assert list(report.iterdir()) == []
    assert one_off_containers(still) == []


def one_off_containers(stack: Demo) -> list[str]:
    """Returns the containers of `docker compose run`. `docker compose ps` does not list them."""
    labels = [f"label=com.docker.compose.project={stack.environ['COMPOSE_PROJECT_NAME']}", "label=com.docker.compose.oneoff=True"]
    command = ["docker", "ps", "--all", "--quiet", *(f"--filter={label}" for label in labels)]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.split()


def bad_records(stack: Demo) -> int:
    """Returns the number of bad records in the warehouse."""
    return int(stack.warehouse("SELECT count(*) FROM assets.raw_user_data WHERE document #>> '{address,geo,lat}' = 'north'")[0])
