"""Run containers, services and the database restart after a crash. No run is lost, and each says why it failed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from dagster_api.loading import wait_until_loaded
from dagster_api.runs import ENDED, Run
from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT, code_server_start, run
from tests.conftest import repository_text
from tests.stack.conftest import PROJECT, Stack
from tests.stack.runs import held_run

pytestmark = pytest.mark.timeout(400)
RETRIES = yaml.safe_load(repository_text("dagster.yaml"))["run_retries"]["max_retries"]
# Postgres and its pools are not listed: runs need them.
SERVICES = ("daemon", "user_code", "launch_gateway", "webserver")
IMAGE = f"{PROJECT}/user_code:local"
KEPT = f"{PROJECT}/user_code:kept"
BROKEN = f"""
FROM {IMAGE}
USER 0
RUN echo 'import sys; sys.exit("there is no module flour")' > /opt/dagster/modules/dagster_code_server/run.py
USER 10001:10001
"""


@pytest.fixture
def broken(still: Stack) -> Iterator[Stack]:
    """Returns the copy with a run image in which no process reaches Dagster."""
    run(["docker", "tag", IMAGE, KEPT], capture=True)
    try:
        subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, "-"], input=BROKEN, text=True, check=True, cwd=ROOT)
        yield still
        still.quiet()
    finally:
        run(["docker", "tag", KEPT, IMAGE], capture=True)
        run(["docker", "rmi", KEPT], capture=True)


def again(stack: Stack, run_id: str) -> Run:
    """Returns the run that retried a failed one, once it has ended."""
    retries = stack.client.runs(tags=[{"key": "dagster/parent_run_id", "value": run_id}])
    return seen(next((retry for retry in retries if retry.status in ENDED), None), retries)


def settled(stack: Stack, run_id: str) -> Run:
    """Returns the end of a run, of its retry, or of that run's retry."""
    ended = stack.client.wait(run_id, seconds=200)
    while ended.status == "FAILURE" and int(ended.tags.get("dagster/retry_number", 0)) < RETRIES:
        ended = wait_for("another attempt", lambda failed=ended.run_id: again(stack, failed), seconds=200)
    return ended


def state(stack: Stack, service: str) -> dict:
    (described,) = json.loads(run(["docker", "inspect", stack.compose("ps", "--quiet", service).strip()], capture=True))
    return described["State"]


def crash(stack: Stack, service: str) -> None:
    """Kills all processes in a service's container, and waits until it is healthy again without help."""
    before = state(stack, service)["StartedAt"]
    stack.compose("exec", "-T", service, "sh", "-c", "kill -9 -1", check=False)

    def back() -> bool:
        now = state(stack, service)
        return seen(now["StartedAt"] != before and now["Health"]["Status"] == "healthy", now)

    wait_for(f"{service} healthy again", back, seconds=90)


def test_a_container_that_ends_at_once_fails_its_run_with_the_reason(broken: Stack) -> None:
    """The run fails long before its start time-out, and is retried twice."""
    failed = broken.client.wait(broken.client.launch("quick_job"), seconds=60)
    for attempt in range(RETRIES + 1):
        assert (failed.status, failed.steps) == ("FAILURE", {})
        said = broken.client.story(failed.run_id)
        assert "The run's container ended before the run had started." in said
        assert failed.tags["docker/container_id"][:12] in said
        assert "its exit code is 1.\nThe end of its output:\nthere is no module flour" in said
        if attempt < RETRIES:
            failed = wait_for("another attempt", lambda failed=failed: again(broken, failed.run_id), seconds=60)
    assert failed.tags["dagster/retry_number"] == str(RETRIES)


def test_a_run_whose_container_is_killed_fails_and_is_started_again(still: Stack) -> None:
    """A crash, or a host short of memory, kills a container like this."""
    run_id = held_run(still)
    run(["docker", "kill", still.client.run(run_id).tags["docker/container_id"]], capture=True)
    still.mark("hold", on=False)
    killed = still.client.wait(run_id, seconds=60)
    assert killed.status == "FAILURE"
    assert "it was killed from outside (SIGKILL)" in still.client.story(run_id)
    retry = wait_for("another attempt", lambda: again(still, run_id), seconds=60)
    assert retry.status == "SUCCESS", still.client.story(retry.run_id)


@pytest.mark.parametrize("service", SERVICES)
def test_no_run_is_lost_where_a_service_crashes(still: Stack, service: str) -> None:
    """Some runs are under way, and others wait in the queue."""
    runs = [still.client.launch(job) for job in ("letters_job", "warehouse_job") * 2]

    def under_way() -> bool:
        statuses = [still.client.run(run_id).status for run_id in runs]
        return seen("STARTED" in statuses and "QUEUED" in statuses, statuses)

    wait_for("runs under way and in the queue", under_way, seconds=60, every=0.1)
    crash(still, service)
    wait_until_loaded(still.client, since=code_server_start(still.environ))
    ended = [settled(still, run_id) for run_id in runs]
    assert [run_.status for run_ in ended] == ["SUCCESS"] * 4, [still.client.story(run_.run_id) for run_ in ended]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_ends_where_its_work_ends(stack: Stack, service: str) -> None:
    """One process runs beside init: a dead child would leave a container that runs and does nothing."""
    container = stack.compose("ps", "--quiet", service).strip()
    _, init, *processes = run(["docker", "top", container, "-eo", "pid,args"], capture=True).splitlines()
    assert "docker-init" in init
    assert len([process for process in processes if "probe" not in process]) == 1, processes


@pytest.mark.parametrize("service", ["postgres", "connection_pool", "run_connection_pool"])
def test_after_a_crash_of_the_database_nothing_fails(still: Stack, service: str) -> None:
    """Dagster uses no old connection and waits for none: it gets each answer at the first attempt."""
    before = still.succeeds("quick_job")
    crash(still, service)
    assert still.client.run(before.run_id) == before
    assert "RUN_SUCCESS" in [event.get("eventType") for event in still.client.events(before.run_id)]
    assert schedule(still.client, "quick_schedule").is_on() is False
    still.succeeds("quick_job")
