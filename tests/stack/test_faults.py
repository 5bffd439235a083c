"""What breaks comes back by itself: containers of runs, services, the database. No run is lost, and each says why it failed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from operate.compose import ROOT, run
from operate.loading import code_server_start, wait_until_loaded
from operate.runs import ENDED, Run
from operate.switches import schedule
from operate.waiting import seen, wait_for
from tests.conftest import repository_text
from tests.stack.conftest import PROJECT, Stack

pytestmark = pytest.mark.timeout(400)
RETRIES = yaml.safe_load(repository_text("dagster.yaml"))["run_retries"]["max_retries"]
# Postgres and its pools are another matter: runs need them.
SERVICES = ("daemon", "user_code", "launch_gateway", "webserver")
IMAGE = f"{PROJECT}/user_code:local"
KEPT = f"{PROJECT}/user_code:kept"
BROKEN = f"""
FROM {IMAGE}
USER 0
RUN echo 'import sys; sys.exit("there is no module flour")' > /opt/dagster/run.py
USER 10001:10001
"""


@pytest.fixture
def broken(still: Stack) -> Iterator[Stack]:
    """The copy, whose runs get an image in which no process comes as far as Dagster."""
    run(["docker", "tag", IMAGE, KEPT], capture=True)
    try:
        subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, "-"], input=BROKEN, text=True, check=True, cwd=ROOT)
        yield still
        still.quiet()
    finally:
        run(["docker", "tag", KEPT, IMAGE], capture=True)
        run(["docker", "rmi", KEPT], capture=True)


def again(stack: Stack, run_id: str) -> Run:
    """The run that took the place of a failed one, once it has ended."""
    retries = stack.client.runs(tags=[{"key": "dagster/parent_run_id", "value": run_id}])
    return seen(next((retry for retry in retries if retry.status in ENDED), None), retries)


def settled(stack: Stack, run_id: str) -> Run:
    """How a run has ended, or the one that took its place, or the one that took the place of that."""
    ended = stack.client.wait(run_id, seconds=200)
    while ended.status == "FAILURE" and int(ended.tags.get("dagster/retry_number", 0)) < RETRIES:
        ended = wait_for("another attempt", lambda failed=ended.run_id: again(stack, failed), seconds=200)
    return ended


def state(stack: Stack, service: str) -> dict:
    (described,) = json.loads(run(["docker", "inspect", stack.compose("ps", "--quiet", service).strip()], capture=True))
    return described["State"]


def crash(stack: Stack, service: str) -> None:
    """Kills all that runs in the container of a service, and waits until it is healthy again, by nobody's hand."""
    before = state(stack, service)["StartedAt"]
    stack.compose("exec", "-T", service, "sh", "-c", "kill -9 -1", check=False)

    def back() -> bool:
        now = state(stack, service)
        return seen(now["StartedAt"] != before and now["Health"]["Status"] == "healthy", now)

    wait_for(f"{service} healthy again", back, seconds=90)


def test_a_container_that_ends_at_once_fails_its_run_with_the_reason(broken: Stack) -> None:
    """Long before the time is over that a run may take to start; twice more it is tried."""
    failed = broken.client.wait(broken.client.launch("cookie_job"), seconds=60)
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
    """As after a crash, or where the host was short of memory."""
    run_id = still.hanging_run()
    run(["docker", "kill", still.client.run(run_id).tags["docker/container_id"]], capture=True)
    still.control(behaviour="ok")
    killed = still.client.wait(run_id, seconds=60)
    assert killed.status == "FAILURE"
    assert "it was killed from outside (SIGKILL)" in still.client.story(run_id)
    retry = wait_for("another attempt", lambda: again(still, run_id), seconds=60)
    assert retry.status == "SUCCESS", still.client.story(retry.run_id)


@pytest.mark.parametrize("service", SERVICES)
def test_no_run_is_lost_where_a_service_crashes(still: Stack, service: str) -> None:
    """While some are under way and others wait in the queue."""
    runs = [still.client.launch(job) for job in ("users_assets_job", "data_extraction_job") * 3]

    def under_way() -> bool:
        statuses = [still.client.run(run_id).status for run_id in runs]
        return seen("STARTED" in statuses and "QUEUED" in statuses, statuses)

    wait_for("runs under way and in the queue", under_way, seconds=60, every=0.1)
    crash(still, service)
    wait_until_loaded(still.client, since=code_server_start(still.environ))
    ended = [settled(still, run_id) for run_id in runs]
    assert [run_.status for run_ in ended] == ["SUCCESS"] * 6, [still.client.story(run_.run_id) for run_ in ended]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_ends_where_its_work_ends(stack: Stack, service: str) -> None:
    """One process beside init: a child that died would leave a container that runs and does nothing."""
    container = stack.compose("ps", "--quiet", service).strip()
    _, init, *processes = run(["docker", "top", container, "-eo", "pid,args"], capture=True).splitlines()
    assert "docker-init" in init
    assert len([process for process in processes if "probe" not in process]) == 1, processes


@pytest.mark.parametrize("service", ["postgres", "connection_pool", "run_connection_pool"])
def test_after_a_crash_of_the_database_nothing_fails(still: Stack, service: str) -> None:
    """No connection from before is used, and none is waited for: each question is answered the first time that it is asked."""
    before = still.succeeds("cookie_job")
    crash(still, service)
    assert still.client.run(before.run_id) == before
    assert "RUN_SUCCESS" in [event.get("eventType") for event in still.client.events(before.run_id)]
    assert schedule(still.client, "users_assets_schedule").is_on() is False
    still.succeeds("cookie_job")
