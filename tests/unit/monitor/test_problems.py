"""The monitor decides what is worth a message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dagster_services.monitor.condition import Check, Condition, Fault, Freshness, Instigator, Roster, Tick
from dagster_services.monitor.problems import problems
from dagster_services.monitor.watch import patience

NOW = 1_000_000.0
HOURLY = Instigator("shop", "hourly", "schedule", is_on=True)
POLL = Instigator("shop", "poll", "sensor", is_on=True, interval=30)
ROSTER = Roster({"shop": None}, {"s1": HOURLY, "s2": POLL}, {"orders": "shop", "raw/items": "shop"})


def said(**facts: object) -> list[str]:
    """Returns what is said about a deployment that is well but for these facts."""
    return [each.said for each in problems(replace(Condition(roster=ROSTER), **facts), NOW, 300)]  # type: ignore[arg-type]


def failed(seconds: float, error: str = "KeyError: 'id'\n  more") -> Tick:
    """Returns a tick that failed just now, as did those of the last seconds."""
    return Tick("FAILURE", NOW, NOW - seconds, error)


def test_deployment_that_is_well_has_no_problem() -> None:
    """Nobody reads alerts that are always there."""
    assert (
        said(
            heartbeats={"SENSOR": NOW - 179, "ASSET": NOW - 1_799},
            ticks={"s1": Tick("SUCCESS", NOW, NOW), "s2": Tick("SKIPPED", NOW, NOW)},
            freshness={"orders": Freshness("PASS", NOW - 9_999), "raw/items": Freshness("WARN", NOW - 9_999)},
            checks={("orders", "has_rows"): Check(has_failed=False, at=NOW)},
        )
        == []
    )


@pytest.mark.parametrize(
    ("name", "age", "expected"),
    [
        ("SENSOR", 181, ["the daemon SENSOR has written no heartbeat for 3 minutes"]),
        # It evaluates all assets in one go.
        ("ASSET", 181, []),
        ("ASSET", 1_801, ["the daemon ASSET has written no heartbeat for 30 minutes"]),
    ],
)
def test_silent_daemon_is_a_problem(name: str, age: float, expected: list[str]) -> None:
    """The daemon cannot report its own death."""
    assert said(heartbeats={name: NOW - age}) == expected


def test_failed_schedule_is_a_problem_at_once_and_a_sensor_after_five_minutes() -> None:
    """A schedule's next tick may come tomorrow. A sensor tries again at once, and often succeeds."""
    of_schedule = "the schedule hourly of shop failed: KeyError: 'id'"
    assert said(ticks={"s1": failed(0)}) == [of_schedule]
    assert said(ticks={"s2": failed(299)}) == []
    assert said(ticks={"s2": failed(301)}) == ["the sensor poll of shop failed: KeyError: 'id'"]
    assert said(ticks={"s1": failed(0, "")}) == ["the schedule hourly of shop failed: no reason is known"]


def test_instigator_that_is_off_or_gone_is_no_problem() -> None:
    """Somebody has stopped or removed it on purpose."""
    off = replace(ROSTER, instigators={"s1": replace(HOURLY, is_on=False)})
    assert said(roster=off, ticks={"s1": failed(999), "s2": failed(999)}) == []


def test_stale_asset_is_a_problem_after_five_minutes() -> None:
    """Automation may refresh it meanwhile."""
    assert said(freshness={"orders": Freshness("FAIL", NOW - 299)}) == []
    assert said(freshness={"orders": Freshness("FAIL", NOW - 600)}) == ["the asset orders has been stale for 10 minutes"]


def test_failed_check_is_a_problem_at_once() -> None:
    """Its data is there already."""
    failing = {("raw/items", "has_rows"): Check(has_failed=True, at=NOW)}
    assert said(checks=failing) == ["the check has_rows of the asset raw/items failed"]


def test_asset_that_is_gone_is_no_problem() -> None:
    """The database keeps the last state of an asset that was removed from the code."""
    gone = {"freshness": {"old": Freshness("FAIL", 0)}, "checks": {("old", "c"): Check(has_failed=True, at=0)}}
    assert said(**gone) == []


def test_service_and_code_location_have_three_minutes() -> None:
    """A deploy and a restart take less."""
    for age, expected in ((179, 0), (181, 1)):
        fault = Fault(NOW - age, "refused\nlong trace")
        assert len(said(silent={"webserver": fault})) == expected
        assert len(said(roster=replace(ROSTER, locations={"shop": fault}))) == expected
    assert said(silent={"webserver": fault}) == ["webserver has not answered for 3 minutes: refused"]
    assert said(roster=replace(ROSTER, locations={"shop": fault})) == ["the code location shop does not load: refused"]


@pytest.mark.parametrize("value", ["", "-1", "five", "1.5", "86401"])
def test_patience_that_is_not_allowed_is_named(value: str) -> None:
    """The service ends with one sentence."""
    with pytest.raises(SystemExit, match=f"ALERT_PATIENCE_SECONDS is '{value}', but must be a whole number from 0 to 86400"):
        patience({"ALERT_PATIENCE_SECONDS": value})
    assert patience({"ALERT_PATIENCE_SECONDS": "0"}) == 0
