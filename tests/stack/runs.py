"""Tests launch, watch and terminate runs of their code location."""

from __future__ import annotations

import json
import time
from typing import Any

from dagster_api.runs import Run
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.stack.conftest import Stack

CANCELED_WITHIN_SECONDS = 10


def attempt_count(stack: Stack, run_id: str) -> int:
    """Returns the number of attempts of the run's steps that have begun."""
    return sum("attempt begun" in (event.get("message") or "") for event in stack.client.events(run_id))


def wait_until_begun(stack: Stack, run_id: str) -> None:
    """Waits until a step of the run has begun."""
    wait_for("an attempt", lambda: seen(attempt_count(stack, run_id) or None, stack.client.story(run_id)), seconds=60)


def held_run(stack: Stack) -> str:
    """Returns the ID of a run whose step waits until the test removes the file `data/hold`."""
    stack.mark("hold", on=True)
    run_id = stack.client.launch("held_job")
    wait_until_begun(stack, run_id)
    return run_id


def terminated(stack: Stack, run_id: str) -> Run:
    """Terminates a run and returns it. The run must end within ten seconds."""
    start = time.monotonic()
    stack.client.terminate(run_id)
    return stack.client.wait(run_id, seconds=CANCELED_WITHIN_SECONDS - (time.monotonic() - start))


def will_retry(stack: Stack, run_id: str) -> str:
    """Returns Dagster's decision about a retry of a failed run, which it adds to the tags after the status."""

    def decision() -> str:
        tags = stack.client.run(run_id).tags
        return seen(tags.get("dagster/will_retry"), tags)

    return wait_for("the decision about a retry", decision, seconds=30)


def container_description(run_: Run) -> dict[str, Any]:
    """Returns Docker's description of the run's container."""
    (described,) = json.loads(run(["docker", "inspect", run_.tags["docker/container_id"]], capture=True))
    found: dict[str, Any] = described
    return found
