"""`make smoke` fails for faults of the deployment, and only reports the choices of its users."""

from __future__ import annotations

from typing import Any

import pytest

from operate.containers import is_well
from operate.smoke import instigators, named_for_smoke


def repository(schedules: dict[str, str], sensors: dict[str, str], jobs: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns a repository as the API describes it."""
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
        ({}, {}, "no schedules, no sensors"),
    ],
)
def test_smoke_reports_stopped_schedules_without_failing(schedules: dict[str, str], sensors: dict[str, str], said: str) -> None:
    """Dagster's default for schedules and sensors is STOPPED, so this is no fault."""
    assert instigators(repository(schedules, sensors)) == said


@pytest.mark.parametrize(
    ("status", "health", "restart", "exit_code", "well"),
    [
        ("running", "healthy", "unless-stopped", 0, True),
        ("running", "unhealthy", "unless-stopped", 0, False),
        ("running", "starting", "unless-stopped", 0, False),
        ("running", None, "unless-stopped", 0, True),
        ("restarting", None, "unless-stopped", 0, False),
        ("exited", None, "no", 0, True),
        ("exited", None, "no", 1, False),
        ("exited", None, "unless-stopped", 0, False),
    ],
)
def test_smoke_accepts_a_service_without_a_health_check(
    status: str, health: str | None, restart: str, exit_code: int, well: bool
) -> None:
    """A team's own service may have none. A one-shot service must have ended with exit code 0."""
    checks = {"Health": {"Status": health}} if health else {}
    state = {"Status": status, "ExitCode": exit_code, **checks}
    assert is_well({"State": state, "HostConfig": {"RestartPolicy": {"Name": restart}}}) is well


def test_smoke_launches_only_jobs_with_smoke_metadata() -> None:
    """A job without the metadata `smoke: true` may change data."""
    named = {"a": None, "b": True, "c": False}
    jobs = [{"name": name, "metadataEntries": [{"label": "smoke", "boolValue": value}]} for name, value in named.items()]
    assert named_for_smoke([*jobs, {"name": "d", "metadataEntries": []}]) == ["b"]
