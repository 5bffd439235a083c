"""`make smoke` judges what is wrong for everybody, and reports what a person may want."""

from __future__ import annotations

from typing import Any

import pytest

from operate.smoke import instigators, is_well, smoke_jobs


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


def test_the_code_location_names_the_jobs_of_a_smoke_test() -> None:
    """Only metadata `smoke` with the value true counts, because a job without it may change something."""
    named = {"a": None, "b": True, "c": False}
    jobs = [{"name": name, "metadataEntries": [{"label": "smoke", "boolValue": value}]} for name, value in named.items()]
    assert smoke_jobs({"jobs": [*jobs, {"name": "d", "metadataEntries": []}]}) == ["b"]
