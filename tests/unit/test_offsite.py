"""The service `offsite` copies, prunes and checks in time, and says what is wrong."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from database_backup import offsite_probe
from database_backup.offsite import interval, next_work
from database_backup.repository import read_credentials
from database_backup.settings import SettingError, Settings
from database_backup.status import Outcome
from operate.overlays import BACKUP, BASE, MOUNTS, OFFSITE, OverlayError, compose_files

# Prune at 1:30 each day, check on Sundays at 3:30. The first day is a Thursday.
KEPT = Settings(7, "30 1 * * *", "30 * * * *", "30 3 * * 0")
EVERY = timedelta(minutes=15)


def at(hours: float) -> datetime:
    """Returns a time on that Thursday, or later."""
    return datetime(2026, 11, 26, tzinfo=UTC) + timedelta(hours=hours)


def well(hours: float) -> Outcome:
    """Returns the outcome of work that succeeded."""
    return Outcome(at(hours), at(hours))


def failed(hours: float, good: float | None = None) -> Outcome:
    """Returns the outcome of work that failed."""
    return Outcome(at(hours), None if good is None else at(good), "", "the store is away", 1)


@pytest.mark.parametrize(
    ("outcomes", "hours", "work"),
    [
        ({}, 1, "copy"),
        ({"copy": well(1)}, 1.2, None),
        ({"copy": well(1)}, 1.25, "copy"),
        # A failed one is repeated sooner.
        ({"copy": failed(1)}, 1.05, None),
        ({"copy": failed(1)}, 1.1, "copy"),
        # Nothing is pruned before the first copy.
        ({"copy": failed(1.45)}, 1.51, None),
        ({"copy": well(1.45)}, 1.51, "prune"),
        ({"copy": well(1.6), "prune": well(1.51)}, 1.7, None),
        ({"copy": well(75.45), "prune": well(74)}, 75.51, "check"),
        ({"copy": well(75.45), "prune": well(74), "check": failed(75.5)}, 75.6, None),
    ],
)
def test_work_is_done_when_it_is_due(outcomes: dict[str, Outcome], hours: float, work: str | None) -> None:
    """Copies come first: the others can wait."""
    assert next_work(outcomes, EVERY, KEPT, at(hours)) == work


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({}, []),
        ({"copy": well(9), "prune": well(1.5), "check": well(3.5)}, []),
        ({"copy": failed(9.9)}, ["copy: the last good one is of None: the store is away"]),
        (
            {"copy": well(9), "check": failed(3.5, -100)},
            ["check: the last good one is of 2026-11-21 20:00:00+00:00: the store is away"],
        ),
        ({"copy": well(3)}, ["copy: the last good one is of 2026-11-26 03:00:00+00:00"]),
    ],
)
def test_probe_names_what_is_wrong(outcomes: dict[str, Outcome], said: list[str]) -> None:
    """A copy that nobody could make must be seen before the machine is lost."""
    assert offsite_probe.problems(outcomes, EVERY, at(10)) == said


@pytest.mark.parametrize("minutes", ["", "0", "-5", "1.5", "1441", "often"])
def test_wrong_interval_is_named(minutes: str) -> None:
    """The service ends with this sentence."""
    said = f"^OFFSITE_MINUTES is set to '{minutes}', which is not allowed: it must be from 1 to 1440.$"
    with pytest.raises(SettingError, match=said):
        interval({"OFFSITE_MINUTES": minutes})
    assert interval({"OFFSITE_MINUTES": "15"}) == EVERY


def test_credentials_are_lines_with_names_and_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of a store may hold any character."""
    monkeypatch.setattr(os, "environ", {})
    file = tmp_path / "credentials"
    file.write_text("# of the store\n\nAWS_ACCESS_KEY_ID=a\n AWS_SECRET_ACCESS_KEY=b/c=#d \nnothing\n")
    read_credentials(file)
    assert os.environ == {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b/c=#d"}


def test_offsite_brings_the_file_with_its_volumes_and_takes_it_away() -> None:
    """The file is written for it, and names its services: without these Compose would reject it."""
    files = compose_files(BASE, {"BACKUP": "1", "OFFSITE": "1"})
    assert files == f"{BASE}:{BACKUP}:{OFFSITE}:{MOUNTS}"
    assert compose_files(f"{files}:own.yml", {}) == f"{files}:own.yml"
    assert compose_files(files, {"OFFSITE": "0"}) == f"{BASE}:{BACKUP}"
    assert compose_files(files, {"BACKUP": "0"}) == BASE
    with pytest.raises(OverlayError, match=r"^OFFSITE is set to '1', which needs the database's WAL: add BACKUP=1\.$"):
        compose_files(BASE, {"OFFSITE": "1"})
