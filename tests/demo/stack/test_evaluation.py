"""`make evaluate` rejects bad input, and restores what it has changed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_api.schedules_and_sensors import schedule, sensor
from dagster_api.waiting import seen, wait_for
from demo.evaluate import FILES
from operate.compose import ROOT
from tests.demo.stack.conftest import Demo

pytestmark = pytest.mark.timeout(900)


def test_commands_of_the_demo_readme_write_a_report(watched: Demo, tmp_path: Path) -> None:
    """They need no Python on the host. Each repetition starts with the data of the previous repetition.

    After the evaluation, the source must behave as before.
    """
    ((typed, unpack),) = re.findall(
        r"```sh\n([^`]*) > report.tar\n(mkdir -p reports [^`]*)\n```", (ROOT / "demo/README.md").read_text()
    )
    watched.compose("build", "--quiet", "evaluation")
    watched.control(behaviour="incomplete")
    script = f"{typed} --repeat 2 --only incremental > report.tar\n{unpack}".replace("report", f"{tmp_path}/report")
    ran = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=watched.environ, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    reports = tmp_path / "reports"
    assert {path.name for path in reports.iterdir()} == FILES
    assert watched.behaviour() == "incomplete"
    report = json.loads((reports / "evaluation.json").read_text())
    assert [scenario["name"] for scenario in report["scenarios"]] == ["incremental"]
    (steps,) = [
        figure["values"]
        for figure in report["scenarios"][0]["figures"]
        if (figure["measure"], figure["variant"]) == ("steps executed", "assets")
    ]
    assert steps == [1, 1]


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


def test_evaluation_restores_the_deployment_after_ctrl_c(watched: Demo, tmp_path: Path) -> None:
    """Ctrl-C comes while data is bad and the sensor is stopped. Data, schedules, sensor and containers must be restored.

    A second Ctrl-C must not prevent that.
    """
    watched.schedules(running=True)
    said, report = tmp_path / "said", tmp_path / "report"
    command = [sys.executable, "-m", "demo.evaluate", "--into", str(report), "--only", "debugging_record"]
    with said.open("w") as stderr:
        evaluation = subprocess.Popen(
            command, cwd=ROOT, env=watched.environ, text=True, stderr=stderr, stdout=subprocess.PIPE, start_new_session=True
        )
    try:
        wait_for("the bad record", lambda: seen(bad_records(watched) > 0, watched.behaviour()), seconds=240)
        os.killpg(evaluation.pid, signal.SIGINT)
        wait_for("an answer", lambda: seen("evaluate: stopping, " in said.read_text(), said.read_text()), seconds=30)
        os.killpg(evaluation.pid, signal.SIGINT)
        stdout, _ = evaluation.communicate(timeout=180)
    finally:
        evaluation.kill()
    assert (evaluation.returncode, stdout) == (130, ""), said.read_text()
    assert said.read_text().endswith("evaluate: stopped; what it had changed is restored\n")
    assert (watched.behaviour(), bad_records(watched)) == ("ok", 0)
    switches = [schedule(watched.client, name) for name in ("users_assets_schedule", "data_extraction_schedule")]
    assert [switch.is_on() for switch in (*switches, sensor(watched.client, "freshness_sensor"))] == [True] * 3
    assert list(report.iterdir()) == []
    assert one_off_containers(watched) == []


def one_off_containers(stack: Demo) -> list[str]:
    """Returns the containers of `docker compose run`. `docker compose ps` does not list them."""
    labels = [f"label=com.docker.compose.project={stack.environ['COMPOSE_PROJECT_NAME']}", "label=com.docker.compose.oneoff=True"]
    command = ["docker", "ps", "--all", "--quiet", *(f"--filter={label}" for label in labels)]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.split()


def bad_records(stack: Demo) -> int:
    """Returns the number of bad records in the warehouse."""
    return int(stack.warehouse("SELECT count(*) FROM assets.raw_user_data WHERE document #>> '{address,geo,lat}' = 'north'")[0])
