"""Launches, watches and terminates runs of the tests' code location."""

from __future__ import annotations

import json
import time
from typing import Any

from dagster_api.runs import Run
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.stack.conftest import Stack

CANCELED_WITHIN_SECONDS = 10


def attempts(stack: Stack, run_id: str) -> int:
    """Returns how often a step of the run has begun."""
    return sum("attempt begun" in (event.get("message") or "") for event in stack.client.events(run_id))


def begun(stack: Stack, run_id: str) -> None:
    """Waits until a step of the run has begun."""
    wait_for("an attempt", lambda: seen(attempts(stack, run_id) or None, stack.client.story(run_id)), seconds=60)


def held_run(stack: Stack) -> str:
    """Returns the id of a run whose step waits until the copy is released."""
    stack.mark("hold", on=True)
    run_id = stack.client.launch("held_job")
    begun(stack, run_id)
    return run_id


def canceled(stack: Stack, run_id: str) -> Run:
    """A run that is terminated now, which must be canceled soon."""
    start = time.monotonic()
    stack.client.terminate(run_id)
    return stack.client.wait(run_id, seconds=CANCELED_WITHIN_SECONDS - (time.monotonic() - start))


def container(run_: Run) -> dict[str, Any]:
    """Returns what the engine says of the run's container."""
    (described,) = json.loads(run(["docker", "inspect", run_.tags["docker/container_id"]], capture=True))
    found: dict[str, Any] = described
    return found
