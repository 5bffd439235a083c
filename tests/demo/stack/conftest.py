"""The demo's tests have their own copy of the deployment, with the code location of this repository."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dagster_api.schedules_and_sensors import sensor
from dagster_api.waiting import seen, wait_for
from tests.stack.conftest import SELDOM, Stack, browser, copy_of_the_deployment, page

__all__ = ["browser", "page"]
PROJECT = f"demo_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
# The schedules tick each minute, so that a test can wait for them. Dagster allows no shorter time until data is stale.
SETTINGS = {
    "USERS_FRESHNESS_SECONDS": "60",
    "USERS_ASSETS_CRON": "* * * * *",
    "DATA_EXTRACTION_CRON": "* * * * *",
    "USERS_API_READ_SECONDS": "20",
}


# Each minute it would launch runs that only its own tests need.
FRESHNESS = "freshness_sensor"


@dataclass
class Demo(Stack):
    """Describes the running copy with the source system of the demo."""

    def control(self, **request: Any) -> None:
        """Changes the behaviour of the source. The request starts in a container, because no port is published."""
        arguments = [f"{name}={json.dumps(value).strip(chr(34))}" for name, value in request.items()]
        self.exec("users_api", "python", "-m", "users_api.control", *arguments)

    def behaviour(self) -> str:
        """Returns the current behaviour of the source."""
        ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/control').read().decode())"
        return str(json.loads(self.exec("users_api", "python", "-c", ask))["behaviour"])

    def hanging_run(self) -> str:
        """Returns the ID of a run whose first step waits for a source that does not answer."""
        self.control(behaviour="stall")
        run_id = self.client.launch("data_extraction_job")

        def hangs() -> bool:
            run = self.client.run(run_id)
            return seen(run.steps.get("fetch_data_from_api") == "IN_PROGRESS", run)

        wait_for("a hanging step", hangs, seconds=60)
        return run_id


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """Yields the copy of the deployment."""
    with copy_of_the_deployment(PROJECT, request.session, {**SETTINGS, **SELDOM}, Demo) as stack:
        yield stack


@pytest.fixture
def still(stack: Demo) -> Demo:
    """Returns the copy with stopped schedules and freshness sensor, no run under way, and a healthy source."""
    stack.schedules(running=False)
    sensor(stack.client, FRESHNESS).turn(on=False)
    stack.control(behaviour="ok")
    stack.quiet()
    return stack


@pytest.fixture
def watched(still: Demo) -> Demo:
    """Returns the same copy with the freshness sensor."""
    sensor(still.client, FRESHNESS).turn(on=True)
    return still
