"""`make smoke` judges what is wrong for everybody, and reports what a person may want."""

from __future__ import annotations

from typing import Any

import pytest

from operate.graphql import Client
from operate.smoke import DEMO_JOBS, demo_jobs, instigators, is_well
from tests.conftest import Source


def repository(schedules: dict[str, str], sensors: dict[str, str], jobs: tuple[str, ...] = ()) -> dict[str, Any]:
    """As the API describes it."""
    return {
        "jobs": [{"name": name} for name in jobs],
        "schedules": [{"name": name, "scheduleState": {"status": status}} for name, status in schedules.items()],
        "sensors": [{"name": name, "sensorState": {"status": status}} for name, status in sensors.items()],
    }


@pytest.mark.parametrize(
    ("schedules", "sensors", "said"),
    [
        ({"hourly": "RUNNING"}, {"failures": "RUNNING"}, "failures, hourly"),
        ({"hourly": "STOPPED", "b": "RUNNING"}, {"a": "STOPPED"}, "b; off: a, hourly"),
        ({"hourly": "STOPPED"}, {}, "off: hourly"),
        ({}, {}, "there are none"),
    ],
)
def test_what_is_off_is_told_and_not_judged(schedules: dict[str, str], sensors: dict[str, str], said: str) -> None:
    """Off is Dagster's default."""
    assert instigators(repository(schedules, sensors)) == said


@pytest.mark.parametrize(
    ("container", "one_shot", "well"),
    [
        ({"State": "running", "Health": "healthy"}, False, True),
        ({"State": "running", "Health": "unhealthy"}, False, False),
        ({"State": "running", "Health": "starting"}, False, False),
        ({"State": "running", "Health": ""}, False, True),
        ({"State": "restarting", "Health": ""}, False, False),
        ({"State": "exited", "ExitCode": 0, "Health": ""}, True, True),
        ({"State": "exited", "ExitCode": 1, "Health": ""}, True, False),
        ({"State": "exited", "ExitCode": 0, "Health": ""}, False, False),
    ],
)
def test_a_service_of_ones_own_needs_no_health_check(container: dict[str, Any], one_shot: bool, well: bool) -> None:
    """One that is not started again may have ended, and must have ended well."""
    assert is_well(container, one_shot=one_shot) is well


@pytest.mark.parametrize(
    ("there", "launched"),
    [
        (("mine", *DEMO_JOBS), list(DEMO_JOBS)),
        (("mine", "data_extraction_job"), ["data_extraction_job"]),
        (("mine",), []),
    ],
)
def test_only_jobs_of_the_demo_that_are_there_are_launched(source: Source, there: tuple[str, ...], launched: list[str]) -> None:
    """With a package of one's own none is."""
    source.answer({"data": {"repositoryOrError": repository({}, {}, there)}})
    assert demo_jobs(Client(source.url)) == launched


def test_a_code_location_that_is_not_loaded_has_its_jobs_fail(source: Source) -> None:
    """Rather than pass with no run at all."""
    source.answer({"data": {"repositoryOrError": {}}})
    assert demo_jobs(Client(source.url)) == DEMO_JOBS
