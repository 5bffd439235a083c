"""The service `backup` decides which backup leads to a moment, which work is due, and whether it is healthy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from database_backup import recovery, status
from database_backup.barman import Backup, BarmanError
from database_backup.plan import next_work
from database_backup.probe import problems
from database_backup.settings import SettingError, Settings, settings
from database_backup.status import Outcome
from database_backup.stream import check_identity
from database_backup.timelines import Switch, base_for, begin, read, timeline_at, write
from operate.compose import CommandError
from operate.moment import moment_of

KEPT = Settings(7, "30 1 * * *", "30 * * * *", "30 3 * * 0")
ENVIRON = {
    "BACKUP_KEEP_DAYS": "7",
    "BACKUP_CRON": "30 1 * * *",
    "BACKUP_INCREMENTAL_CRON": "30 * * * *",
    "BACKUP_DRILL_CRON": "30 3 * * 0",
}


def at(hour: float) -> datetime:
    """Returns a time of one day."""
    return datetime(2026, 11, 26, tzinfo=UTC) + timedelta(hours=hour)


# At 10 somebody restored the database of 8. At 14 somebody restored that of 12.
SWITCHES = [Switch(since=at(10), timeline=2, moment=at(8)), Switch(since=at(14), timeline=3, moment=at(12))]
BACKUPS = [Backup(f"of {hour}", at(hour), timeline) for hour, timeline in ((1, 1), (9, 1), (11, 2), (13, 2), (15, 3))]


@pytest.mark.parametrize(
    ("hour", "timeline", "base"),
    [
        (0.5, 1, None),
        (7, 1, "of 1"),
        # The database of 9:30 was given up at 10. Its backup and WAL are still there.
        (9.5, 1, "of 9"),
        # The backup of 9 is of a time that the second timeline does not have.
        (10.5, 2, "of 1"),
        (11.5, 2, "of 11"),
        (13.5, 2, "of 13"),
        (14.5, 3, "of 11"),
        (16, 3, "of 15"),
    ],
)
def test_moment_is_restored_from_the_newest_backup_that_leads_to_it(hour: float, timeline: int, base: str | None) -> None:
    """A restore to a moment begins another timeline. The backups of the time that it has undone do not lead to it."""
    found = base_for(BACKUPS, SWITCHES, at(hour))
    assert (timeline_at(SWITCHES, at(hour)), found and found.name) == (timeline, base)


def test_first_backup_of_a_restored_database_knows_its_timeline(tmp_path: Path) -> None:
    """Its earlier backups were lost."""
    file = tmp_path / "timelines.json"
    begin(3, file)
    backup = Backup("of 1", at(1), 3)
    assert timeline_at(read(file), at(2)) == 3
    assert base_for([backup], read(file), at(2)) == backup


def test_restores_are_remembered(tmp_path: Path) -> None:
    """A later restore must know them."""
    file = tmp_path / "timelines.json"
    assert read(file) == []
    write(SWITCHES, file)
    assert read(file) == SWITCHES


WHOLE = Outcome(at(1.6), at(1.6))
TRIED = Outcome(at(1.7), at(1.7))


@pytest.mark.parametrize(
    ("outcomes", "hour", "due"),
    [
        ({}, 1, "full"),
        ({"full": WHOLE}, 1.7, "drill"),
        ({"full": WHOLE, "drill": TRIED}, 1.8, None),
        ({"full": WHOLE, "drill": TRIED}, 2.6, "incremental"),
        ({"full": WHOLE, "drill": TRIED, "incremental": Outcome(at(2.6), at(2.6), "")}, 2.7, None),
        # A failure is not repeated at once, and not left until tomorrow.
        ({"full": Outcome(at(1), None, "", "the disk is full")}, 1.01, None),
        ({"full": Outcome(at(1), None, "", "the disk is full")}, 1.1, "full"),
        ({"full": WHOLE, "drill": TRIED, "incremental": Outcome(at(2.6), None, "", "the disk is full")}, 2.7, None),
        # The machine may have slept at the time of the backup.
        ({"full": WHOLE, "drill": TRIED}, 30, "full"),
        # The drill failed: the backup may be damaged, so that another one is made, and tried.
        ({"full": WHOLE, "drill": Outcome(at(1.7), None, "", "another hash", 1)}, 1.8, "full"),
        ({"full": Outcome(at(1.8), at(1.8)), "drill": Outcome(at(1.7), None, "", "another hash", 1)}, 1.9, "drill"),
        # The next one fails too, so that the reason is another one: no third backup. The nightly one is tried again.
        ({"full": Outcome(at(1.8), at(1.8)), "drill": Outcome(at(1.9), None, "", "a corrupt index", 2)}, 2, "full"),
        ({"full": Outcome(at(1.8), at(1.8)), "drill": Outcome(at(1.9), None, "", "a corrupt index", 3)}, 2, None),
        ({"full": Outcome(at(25.6), at(25.6)), "drill": Outcome(at(1.9), None, "", "a corrupt index", 2)}, 25.7, "drill"),
        ({"full": Outcome(at(190), at(190), ""), "drill": TRIED}, 190.2, "drill"),
    ],
)
def test_work_is_done_when_it_is_due(outcomes: dict[str, Outcome], hour: float, due: str | None) -> None:
    """Nobody looks at the log each day."""
    assert next_work(outcomes, [], KEPT, at(hour)) == due


def test_restore_to_a_moment_is_followed_by_a_full_backup() -> None:
    """Until then, each restore would begin with a backup from before it."""
    assert next_work({"full": WHOLE, "drill": TRIED}, [Switch(at(1.8), 2, at(1.7))], KEPT, at(1.9)) == "full"


HEALTHY = {"start": Outcome(at(0), at(0)), "wal": Outcome(at(12), at(12)), "full": WHOLE, "drill": TRIED}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        (
            {"wal": Outcome(at(12), at(11), "", "Postgres does not answer")},
            ["no WAL was received since 2026-11-26 11:00:00+00:00"],
        ),
        ({"full": Outcome(at(-20), at(-20))}, ["full: the last good one is of 2026-11-25 04:00:00+00:00."]),
        (
            {"full": Outcome(at(2), at(1), "", "the disk is full")},
            ["full: the last good one is of 2026-11-26 01:00:00+00:00. the"],
        ),
        ({"drill": Outcome(at(-200), at(-200))}, ["drill: the last good one is of 2026-11-17 16:00:00+00:00."]),
        ({"drill": Outcome(at(2), None, "", "another hash")}, ["drill: the last good one is of None. another hash"]),
        # After a weekend `make up` must not wait for what was missed.
        ({"start": Outcome(at(11.9), at(11.9)), "full": Outcome(at(-60), at(-60))}, []),
        ({"start": Outcome(at(11.99), at(11.99)), "wal": Outcome(at(-60), at(-60))}, []),
    ],
)
def test_service_is_unhealthy_if_wal_or_a_good_backup_is_missing(changed: dict[str, Outcome], said: list[str]) -> None:
    """A backup that fails each night must not go unnoticed."""
    found = problems({**HEALTHY, **changed}, KEPT, at(12))
    assert [each[: len(start)] for each, start in zip(found, said, strict=True)] == said


def test_outcome_keeps_the_time_of_the_last_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The probe needs it. The log gets each new outcome once."""
    file = tmp_path / "status.json"
    status.note("full", at(1), "one is whole", file=file)
    status.note("full", at(2), error="the disk is full", file=file)
    status.note("full", at(3), error="the disk is full", file=file)
    assert status.read(file) == {"full": Outcome(at(3), at(1), "", "the disk is full", 2)}
    assert capsys.readouterr() == ("full: one is whole\n", "full: the disk is full\n")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BACKUP_KEEP_DAYS", "0", "BACKUP_KEEP_DAYS is set to '0', which is not allowed: it must be from 1 to 3650."),
        ("BACKUP_KEEP_DAYS", "a week", "BACKUP_KEEP_DAYS is set to 'a week', which is not allowed"),
        (
            "BACKUP_DRILL_CRON",
            "sunday",
            "BACKUP_DRILL_CRON is set to 'sunday', which is not allowed: it must be a cron expression",
        ),
    ],
)
def test_wrong_setting_is_named(name: str, value: str, said: str) -> None:
    """A service that ends without a reason is hard to start."""
    with pytest.raises(SettingError) as raised:
        settings({**ENVIRON, name: value})
    assert str(raised.value).startswith(said)
    assert settings(ENVIRON) == KEPT


def test_other_database_is_not_mixed_with_the_backups(tmp_path: Path) -> None:
    """A disk was lost, and Postgres has made an empty database. The backups must not follow it."""
    file = tmp_path / "system_identifier"
    file.write_text("1")
    check_identity("1", file)
    with pytest.raises(BarmanError, match=r"another database than the one of the backups: `make restore AT=latest`"):
        check_identity("2", file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "AT is set to 'yesterday', which is no time: write it as 2026-11-26 10:31:07, or latest"),
        (
            "2026-11-26 12:00:01+00:00",
            "AT is set to '2026-11-26 12:00:01+00:00', which is in the future: it is 2026-11-26 12:00:00",
        ),
    ],
)
def test_moment_that_cannot_be_is_refused(text: str, said: str) -> None:
    """A typing error must stop nothing."""
    with pytest.raises(CommandError) as raised:
        moment_of(text, at(12))
    assert str(raised.value).startswith(said)


def test_moment_has_a_zone_or_is_one_of_this_machine() -> None:
    """Logs of other machines have times of other zones."""
    assert datetime.fromisoformat(moment_of("2026-11-26T10:31:07+02:00", at(12))) == at(8) + timedelta(minutes=31, seconds=7)
    here = datetime.fromisoformat(moment_of("2026-11-26 10:31:07", at(48)))
    assert f"{here:%F %T}" == "2026-11-26 10:31:07"
    assert here.utcoffset() == here.astimezone().utcoffset()
    assert moment_of("latest", at(12)) == "latest"


def test_restore_of_a_moment_needs_room_beside_the_present_database() -> None:
    """A full disk would stop the database that runs."""
    recovery.check_room(3 * 2**30, 3 * 2**30)
    said = r"^2\.0 GiB of disk are free, and 3\.0 GiB are needed for the restored database$"
    with pytest.raises(BarmanError, match=said):
        recovery.check_room(3 * 2**30, 2 * 2**30)
