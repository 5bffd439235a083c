"""Containers of runs that end on their own account: the run fails with the reason, and is started again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from operate.compose import ROOT, run
from operate.runs import ENDED, Run
from operate.waiting import seen, wait_for
from tests.stack.conftest import PROJECT, Stack

pytestmark = pytest.mark.timeout(300)
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
    subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, "-"], input=BROKEN, text=True, check=True, cwd=ROOT)
    try:
        yield still
        still.quiet()
    finally:
        run(["docker", "tag", KEPT, IMAGE], capture=True)
        run(["docker", "rmi", KEPT], capture=True)


def again(stack: Stack, run_id: str) -> Run:
    """The run that took the place of a failed one, once it has ended."""
    retries = stack.client.runs(tags=[{"key": "dagster/parent_run_id", "value": run_id}])
    return seen(next((retry for retry in retries if retry.status in ENDED), None), retries)


def test_a_container_that_ends_at_once_fails_its_run_with_the_reason(broken: Stack) -> None:
    """Long before the time is over that a run may take to start; twice more it is tried."""
    failed = broken.client.wait(broken.client.launch("cookie_job"), seconds=60)
    for attempt in range(3):
        assert (failed.status, failed.steps) == ("FAILURE", {})
        said = broken.client.story(failed.run_id)
        assert "The run's container ended before Dagster in it said anything." in said
        assert failed.tags["docker/container_id"][:12] in said
        assert "its exit code is 1.\nThe end of its output:\nthere is no module flour" in said
        if attempt < 2:
            failed = wait_for("another attempt", lambda failed=failed: again(broken, failed.run_id), seconds=60)
    assert failed.tags["dagster/retry_number"] == "2"


def test_a_run_whose_container_is_killed_fails_and_is_started_again(still: Stack) -> None:
    """As after a crash, or where the host was short of memory."""
    still.control(behaviour="stall")
    run_id = still.client.launch("data_extraction_job")

    def hangs() -> bool:
        run_ = still.client.run(run_id)
        return seen(run_.steps.get("fetch_data_from_api") == "IN_PROGRESS", run_)

    wait_for("a hanging step", hangs, seconds=60)
    run(["docker", "kill", still.client.run(run_id).tags["docker/container_id"]], capture=True)
    still.control(behaviour="ok")
    killed = still.client.wait(run_id, seconds=60)
    assert killed.status == "FAILURE"
    assert "its exit code is 137." in still.client.story(run_id)
    retry = wait_for("another attempt", lambda: again(still, run_id), seconds=60)
    assert retry.status == "SUCCESS", still.client.story(retry.run_id)
