"""The demo has a copy of the deployment of its own, with the code location of this repository."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dagster_api.waiting import seen, wait_for
from tests.stack.conftest import Stack, copy_of_the_deployment, page

__all__ = ["page"]
PROJECT = f"demo_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
# A person can wait for these schedules; the source is stale after the shortest time that Dagster allows.
SETTINGS = {
    "USERS_FRESHNESS_SECONDS": "60",
    "USERS_ASSETS_CRON": "* * * * *",
    "DATA_EXTRACTION_CRON": "* * * * *",
    "USERS_API_READ_SECONDS": "20",
}


@dataclass
class Demo(Stack):
    """The running copy, with the source system of the demo."""

    def control(self, **request: Any) -> None:
        """Changes the source's behaviour from inside the deployment, the only place that reaches it."""
        arguments = [f"{name}={json.dumps(value).strip(chr(34))}" for name, value in request.items()]
        self.compose("exec", "-T", "users_api", "python", "-m", "users_api.control", *arguments)

    def hanging_run(self) -> str:
        """Returns the id of a run whose first step waits for a silent source."""
        self.control(behaviour="stall")
        run_id = self.client.launch("data_extraction_job")

        def hangs() -> bool:
            run = self.client.run(run_id)
            return seen(run.steps.get("fetch_data_from_api") == "IN_PROGRESS", run)

        wait_for("a hanging step", hangs, seconds=60)
        return run_id


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """Returns the copy."""
    with copy_of_the_deployment(PROJECT, request.session, SETTINGS, Demo) as stack:
        yield stack


@pytest.fixture
def still(stack: Demo) -> Demo:
    """Returns the copy with its schedules off, nothing under way and a healthy source."""
    stack.schedules(running=False)
    stack.control(behaviour="ok")
    stack.quiet()
    return stack
