"""`make doctor` judges what it sees. Each line that is not well has a remedy."""

from __future__ import annotations

import pytest

from dagster_api.condition import Assets, Daemon, Maintenance
from dagster_api.runs import Run
from operate import findings
from operate.findings import DAY, Finding
from operate.health import faults_of

NOW = 1_000_000_000.0


def run(status: str, age: float, started: float | None = None) -> Run:
    return Run(f"r{age:.0f}", "sales", status, NOW - age, started and NOW - started, None, {}, ())


def bad(found: list[Finding]) -> list[str]:
    """What is said of things that are not well. Each has a remedy."""
    assert all(each.remedy for each in found if not each.is_well)
    return [each.said for each in found if not each.is_well]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172_799, "48 h"), (172_800, "2 days")],
)
def test_durations_have_two_digits_or_three(seconds: float, text: str) -> None:
    assert findings.ago(seconds) == text


def test_silent_daemons_and_their_errors_are_named() -> None:
    """A daemon that hangs writes no heartbeat. One that fails writes the error with it."""
    daemons = [
        Daemon("SCHEDULER", NOW - 300, None),
        Daemon("SENSOR", None, None),
        Daemon("QUEUED_RUN_COORDINATOR", NOW - 5, "KeyError: 'x'\n  File"),
        Daemon("MONITORING", NOW - 31, None),
    ]
    assert bad(list(findings.daemons(daemons, NOW))) == [
        "SCHEDULER writes no heartbeat: the last one is 5 min old",
        "SENSOR writes no heartbeat: it has never written one",
        "QUEUED_RUN_COORDINATOR: KeyError: 'x'",
    ]
    assert [each.said for each in findings.daemons(daemons[-1:], NOW)] == ["heartbeats of 1, the oldest 31 s ago"]


def test_long_queue_and_stuck_runs_are_named() -> None:
    """The first run of the queue decides, not their number. A run may work for hours, but not start for hours."""
    found = [run("QUEUED", 1000), run("STARTING", 400), run("STARTED", 90_000, 89_000), run("STARTED", 90_001, 60)]
    assert bad(list(findings.runs(found, NOW))) == [
        "waiting: 1, the first for 17 min; in progress: 3",
        "r400 of sales is STARTING for 7 min",
        "r90000 of sales is STARTED for 25 h",
    ]
    (well,) = findings.runs([run("QUEUED", 100), run("STARTED", 50, 40)], NOW)
    assert (well.is_well, well.said) == (True, "waiting: 1, the first for 100 s; in progress: 1")


def test_stale_assets_are_listed_and_many_are_counted() -> None:
    """One screen must hold it."""
    many = Assets(tuple(f"a{number}" for number in range(7)), ("users:complete",))
    assert bad(list(findings.assets(many))) == ["7 stale: a0, a1, a2, a3, a4 and 2 more", "1 failing: users:complete"]
    assert [each.said for each in findings.assets(Assets((), ()))] == ["none is stale", "none is failing"]


@pytest.mark.parametrize(
    ("newest", "well", "said"),
    [
        (None, False, "there is none"),
        (NOW - 8 * DAY, True, "the newest file is 8 days old"),
        (NOW - 9 * DAY, False, "the newest file is 9 days old"),
    ],
)
def test_missing_or_old_backup_is_named(newest: float | None, said: str, *, well: bool) -> None:
    """Nobody notices a missing backup before it is needed."""
    found = findings.backup(newest, NOW)
    assert (found.is_well, found.said) == (well, said)


def test_failed_work_of_the_backup_service_is_named() -> None:
    """A drill that was never made counts as failed."""
    outcomes = {
        "wal": {"good": "2026-11-26T10:31:07+00:00", "error": ""},
        "full": {"good": "2026-11-25T01:30:00+00:00", "error": "the disk is full"},
    }
    assert bad(list(findings.point_in_time(outcomes, NOW))) == [
        "the last good one is of 2026-11-25T01:30: the disk is full",
        "there was no good one",
    ]


def test_failed_or_missing_maintenance_is_named() -> None:
    """A maintenance of the last night, with an error or without one, and none for days."""
    well = Maintenance(NOW - DAY, "removed nothing", "", 10)
    failed = Maintenance(NOW - DAY, "removed nothing", "run_logs: no space", 10)
    assert findings.maintenance([well], NOW).is_well
    assert bad([findings.maintenance([failed, well], NOW)]) == ["24 h ago: run_logs: no space"]
    assert bad([findings.maintenance([Maintenance(NOW - 9 * DAY, "removed 1", "", 1)], NOW)]) == ["9 days ago: removed 1"]
    assert findings.maintenance([], NOW).is_well


def test_growth_says_when_the_disk_is_full() -> None:
    """Sizes of a week, the newest first: 70 MB in seven days."""
    sizes = [Maintenance(NOW - day * DAY, "", "", 100_000_000 + (7 - day) * 10_000_000) for day in range(8)]
    soon = findings.growth(sizes, 250_000_000)
    assert (soon.is_well, soon.said) == (
        False,
        "the database has 170 MB, and grows by 10.0 MB a day: the disk is full in 25 days",
    )
    assert findings.growth(sizes, 10**12).is_well
    assert findings.growth(sizes[:1], 0).said == "unknown until the second night"
    assert findings.growth([sizes[-1], *sizes[1:2]], 0).said == "unknown until the second night"
    same = [Maintenance(NOW - day * DAY, "", "", 5_000_000) for day in range(3)]
    assert findings.growth(same, 0).said == "the database has 5 MB, and does not grow"


def test_code_locations_that_do_not_load_are_named() -> None:
    """The first line of the error fits into a line."""
    assert bad(list(findings.locations({"shop": None, "tools": "No module named 'x'\nStack"}))) == ["tools: No module named 'x'"]
    assert [each.said for each in findings.locations({"shop": None})] == ["loaded: shop"]


def test_services_that_are_not_well_are_named() -> None:
    """A missing container counts too."""
    found = list(findings.services(faults_of({"daemon": {"restart": "unless-stopped"}}, []), 1))
    assert bad(found) == ["daemon is missing"]
    assert [each.said for each in findings.services({}, 12)] == ["healthy: 12"]


def test_little_space_is_named() -> None:
    """Three of twenty gigabytes are 15 %."""
    gib = 1024**3
    assert findings.space("disk", 3 * gib, 20 * gib, findings.LOW_DISK, "x").is_well
    assert bad([findings.space("disk", 2 * gib, 20 * gib, findings.LOW_DISK, "x")]) == ["2.0 of 20.0 GiB are free"]
