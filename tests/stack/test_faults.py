"""Containers of runs, services and the database crash. No run is lost, and each failed run names the reason."""

from __future__ import annotations

import functools
import json
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from dagster_api.loading import wait_until_loaded
from dagster_api.runs import ENDED, Run
from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT, run
from operate.containers import code_server_start
from tests.conftest import repository_text
from tests.stack.conftest import PROJECT, Stack
from tests.stack.runs import held_run

pytestmark = pytest.mark.timeout(400)
RETRIES = yaml.safe_load(repository_text("dagster.yaml"))["run_retries"]["max_retries"]
# The list omits Postgres and its connection pools, because runs need them.
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
def broken_run_image(still: Stack) -> Iterator[Stack]:
    """Yields the copy with a run image whose process ends before it reaches Dagster."""
    run(["docker", "tag", IMAGE, KEPT], capture=True)
    try:
        subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, "-"], input=BROKEN, text=True, check=True, cwd=ROOT)
        yield still
        still.quiet()
    finally:
        run(["docker", "tag", KEPT, IMAGE], capture=True)
        run(["docker", "rmi", KEPT], capture=True)


def ended_retry(stack: Stack, run_id: str) -> Run:
    """Returns the ended retry of a failed run. Raises NotYetError until the retry has ended."""
    retries = stack.client.runs(tags=[{"key": "dagster/parent_run_id", "value": run_id}])
    return seen(next((retry for retry in retries if retry.status in ENDED), None), retries)


def last_attempt(stack: Stack, run_id: str) -> Run:
    """Returns the run after it has ended. If the run failed, returns its last retry."""
    ended = stack.client.wait(run_id, seconds=200)
    while ended.status == "FAILURE" and int(ended.tags.get("dagster/retry_number", 0)) < RETRIES:
        ended = wait_for("another attempt", lambda failed=ended.run_id: ended_retry(stack, failed), seconds=200)
    return ended


def container_state(stack: Stack, service: str) -> dict:
    """Returns Docker's state of a service's container."""
    (described,) = json.loads(run(["docker", "inspect", stack.compose("ps", "--quiet", service).strip()], capture=True))
    return described["State"]


def crash_and_wait(stack: Stack, service: str) -> None:
    """Kills all processes of a service's container. Waits until Docker has restarted it and it is healthy."""
    before = container_state(stack, service)["StartedAt"]
    stack.exec(service, "sh", "-c", "kill -9 -1", check=False)

    def back() -> bool:
        now = container_state(stack, service)
        return seen(now["StartedAt"] != before and now["Health"]["Status"] == "healthy", now)

    wait_for(f"{service} healthy again", back, seconds=90)


def under_way_and_queued(stack: Stack, runs: list[str]) -> bool:
    """Returns whether one of the runs starts or works, and another one waits in the queue."""
    statuses = {stack.client.run(run_id).status for run_id in runs}
    return seen(statuses in ({"STARTING", "QUEUED"}, {"STARTED", "QUEUED"}), statuses)


def test_run_fails_with_the_reason_if_its_container_ends_before_the_run_starts(broken_run_image: Stack) -> None:
    """The run must fail long before its start time-out, so that the daemon retries it soon."""
    failed = broken_run_image.client.wait(broken_run_image.client.launch("quick_job"), seconds=60)
    for attempt in range(RETRIES + 1):
        assert (failed.status, failed.steps) == ("FAILURE", {})
        said = broken_run_image.client.story(failed.run_id)
        assert "The run's container ended before the run had started." in said
        assert failed.tags["docker/container_id"][:12] in said
        assert "its exit code is 1.\nThe end of its output:\nthere is no module flour" in said
        if attempt < RETRIES:
            failed = wait_for("another attempt", lambda failed=failed: ended_retry(broken_run_image, failed.run_id), seconds=60)
    assert failed.tags["dagster/retry_number"] == str(RETRIES)


def test_run_with_a_killed_container_fails_and_is_retried(still: Stack) -> None:
    """A crash, or too little memory on the host, kills a container in the same way."""
    run_id = held_run(still)
    run(["docker", "kill", still.client.run(run_id).tags["docker/container_id"]], capture=True)
    still.mark("hold", on=False)
    killed = still.client.wait(run_id, seconds=60)
    assert killed.status == "FAILURE"
    assert "it was killed from outside (SIGKILL)" in still.client.story(run_id)
    retry = wait_for("another attempt", lambda: ended_retry(still, run_id), seconds=60)
    assert retry.status == "SUCCESS", still.client.story(retry.run_id)


def test_crash_of_a_service_loses_no_run(still: Stack) -> None:
    """At each crash two runs are held, one is on its way, and one waits in the queue. All must succeed."""
    held = [held_run(still) for _ in range(2)]
    for service in SERVICES:
        runs = [still.client.launch(job) for job in ("letters_job", "warehouse_job")]
        wait_for("one under way, one in the queue", functools.partial(under_way_and_queued, still, runs), seconds=60, every=0.1)
        crash_and_wait(still, service)
        wait_until_loaded(still.client, since=code_server_start(still.project, "user_code"))
        ended = [last_attempt(still, run_id) for run_id in runs]
        assert [run_.status for run_ in ended] == ["SUCCESS"] * 2, (service, [still.client.story(run_.run_id) for run_ in ended])
    still.mark("hold", on=False)
    assert [still.client.wait(run_id).status for run_id in held] == ["SUCCESS"] * 2


@pytest.mark.parametrize("service", SERVICES)
def test_service_container_runs_one_process_beside_init(stack: Stack, service: str) -> None:
    """If only a child process died, the container would keep running without doing its work."""
    container = stack.compose("ps", "--quiet", service).strip()
    # In no order: process ids begin again at a small number.
    _, *processes = run(["docker", "top", container, "-eo", "pid,args"], capture=True).splitlines()
    kinds = Counter("init" if "docker-init" in each else "main" for each in processes if "probe" not in each)
    assert kinds == {"init": 1, "main": 1}, processes


@pytest.mark.parametrize("service", ["postgres", "connection_pool", "run_connection_pool"])
def test_dagster_reconnects_after_a_crash_of_the_database(still: Stack, service: str) -> None:
    """Dagster must not use or wait for an old connection. Each request must succeed at the first attempt."""
    before = still.succeeds("quick_job")
    crash_and_wait(still, service)
    assert still.client.run(before.run_id) == before
    assert "RUN_SUCCESS" in [event.get("eventType") for event in still.client.events(before.run_id)]
    assert schedule(still.client, "quick_schedule").is_on() is False
    still.succeeds("quick_job")
