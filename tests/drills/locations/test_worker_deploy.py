"""`make deploy` replaces the worker of a code location while its runs go on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from dagster_api.waiting import seen, wait_for
from tests.locations.house import PROJECT, House

pytestmark = pytest.mark.timeout(600)
NAMES = ("reports",)
SLOTS = 2
SETTINGS = (
    "COMPOSE_FILE=docker-compose.yml:docker/compose.worker.yml:docker/compose.no-gateway.yml\n"
    f"RUN_ISOLATION=worker\nWORKER_CONCURRENCY={SLOTS}\nMAX_CONCURRENT_RUNS={SLOTS}\n"
)
OP = """
import os, time


@dg.op(config_schema={"seconds": dg.Field(float, default_value=0.0)})
def speak(context: dg.OpExecutionContext) -> None:
    context.log.info("word one of " + os.environ["DAGSTER_CURRENT_IMAGE"])
    time.sleep(context.op_config["seconds"])


@dg.job(executor_def=dg.in_process_executor)
def speak_job() -> None:
    speak()
"""


def workers(house: House) -> list[dict]:
    """Returns the containers of the worker."""
    ids = house.compose("ps", "--all", "--quiet", "reports_worker").split()
    shown = subprocess.run(["docker", "inspect", *ids], text=True, capture_output=True, check=True).stdout
    return json.loads(shown)


def images(house: House) -> dict[str, str]:
    """Returns the state of each worker's container, by its image."""
    return {each["Config"]["Image"]: each["State"]["Status"] for each in workers(house)}


def serving(house: House) -> str:
    """Returns the image of the worker that takes runs."""
    (one,) = [each["Config"]["Image"] for each in workers(house) if each["HostConfig"]["RestartPolicy"]["Name"] != "no"]
    return str(one)


def launch(house: House, seconds: float = 0.0) -> str:
    """Launches a run that takes so long. If its worker is lost, it is not retried."""
    config = {"ops": {"speak": {"config": {"seconds": seconds}}}}
    return house.client("reports").launch("speak_job", config=config, tags={"dagster/max_retries": str(int(seconds == 0))})


def said(house: House, run_id: str) -> str:
    """Returns the word and the image that a run logged. The run must succeed."""
    client = house.client("reports")
    assert client.wait(run_id, seconds=200).status == "SUCCESS", client.story(run_id)
    return next(event["message"] for event in client.events(run_id) if "word " in (event["message"] or ""))


def in_status(house: House, run_id: str, status: str) -> Callable[[], bool]:
    """Returns a condition for `wait_for`."""

    def reached() -> bool:
        now = house.client("reports").run(run_id).status
        return seen(now == status, now)

    return reached


def test_runs_keep_the_code_that_they_were_launched_with(house: House) -> None:
    """One run is executed during the deployment, and one waits in the queue. Both have the old code, the next the new one."""
    file = house.projects / "reports/src/reports/defs/reports.py"
    file.write_text(file.read_text() + OP)
    house.made("deploy", "NAME=reports")
    old = serving(house)
    running = [launch(house, 25) for _ in range(SLOTS)]
    for run_id in running:
        wait_for("a run that is executed", in_status(house, run_id, "STARTED"), seconds=60)
    waiting = launch(house)
    assert house.client("reports").run(waiting).status == "QUEUED"
    file.write_text(file.read_text().replace("word one", "word two"))
    house.made("deploy", "NAME=reports")
    new = launch(house)
    assert {said(house, run_id) for run_id in (*running, waiting)} == {f"word one of {old}"}
    current = serving(house)
    assert current != old
    assert said(house, new) == f"word two of {current}"
    wait_for("the end of the old worker", lambda: seen(images(house).get(old) == "exited", images(house)), seconds=90)
    assert next(each["State"]["ExitCode"] for each in workers(house) if each["Config"]["Image"] == old) == 0
    smoke = house.made("smoke", "JOBS=speak_job")
    assert "PASS speak_job succeeds: in reports_worker, " in smoke


def test_run_without_a_worker_of_its_code_fails_with_a_sentence_and_is_retried_with_the_new_code(house: House) -> None:
    """An operator may remove the worker of old code while runs wait for it."""
    client = house.client("reports")
    current = serving(house)
    blocking = [launch(house, 600) for _ in range(SLOTS)]
    for run_id in blocking:
        wait_for("a run that is executed", in_status(house, run_id, "STARTED"), seconds=60)
    waiting = launch(house)
    file = house.projects / "reports/src/reports/defs/reports.py"
    file.write_text(file.read_text().replace("word two", "word three"))
    deployed = house.made("deploy", "NAME=reports")
    assert "reports: the worker of its old code stays for 1 runs in the queue, until the next deployment" in deployed
    (old,) = [each["Id"] for each in workers(house) if each["Config"]["Image"] == current]
    subprocess.run(["docker", "rm", "--force", old], check=True, capture_output=True)
    failed = client.wait(waiting, seconds=120)
    assert failed.status == "FAILURE"
    assert f"No worker has the code of this run any more: image {current}." in client.story(waiting)

    def retried() -> str:
        runs = client.runs(tags=[{"key": "dagster/parent_run_id", "value": waiting}])
        return seen(runs[0].run_id if runs else None, "no retry")

    assert "word three of " in said(house, wait_for("a retry", retried, seconds=60))
    assert f"{PROJECT}/reports:" in current


def test_deploy_without_a_change_replaces_no_worker(house: House) -> None:
    """A second `make deploy` costs no restart."""
    house.made("deploy", "NAME=reports")
    before = [each["Id"] for each in workers(house)]
    assert "reports: its code is up to date" in house.made("deploy", "NAME=reports")
    assert [each["Id"] for each in workers(house)] == before
