"""The monitor sends one message for each episode, to real addresses on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_services.monitor import episodes
from dagster_services.monitor.messages import MessageError
from dagster_services.monitor.problems import Problem
from dagster_services.monitor.telling import MOST_TRIES, Teller
from tests.inbox import Inbox

STALE = Problem("asset", "orders", "the asset orders has been stale for 6 minutes")
FAILED = Problem("schedule", "shop:hourly", "the schedule hourly of shop failed: no route")


def test_episode_has_one_message_also_after_a_restart(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """An operator who was told once is not told each half minute, and not again by a deploy."""
    for now in (1.0, 2.0):
        teller.tell([STALE], now, sees_all=True)
    Teller(teller.urls_file, teller.episodes_file).tell([STALE], 3.0, sees_all=True)
    assert [each.titles for each in inboxes] == [["Dagster: the asset orders has been stale for 6 minutes"]] * 2
    teller.tell([], 4.0, sees_all=True)
    teller.tell([STALE], 5.0, sees_all=True)
    assert len(inboxes[0].messages) == 2, "a second episode has a message of its own"


def test_problems_of_one_look_share_a_message(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """A daemon that hangs makes many assets stale at once."""
    teller.tell([STALE, FAILED], 1.0, sees_all=True)
    assert inboxes[0].titles == ["Dagster: 2 problems"]
    assert inboxes[0].messages[0]["message"] == f"{STALE.said}\n{FAILED.said}\n`make doctor` shows the remedies."


def test_problem_that_cannot_be_seen_goes_on(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """While the webserver restarts, nobody knows which assets there are."""
    teller.tell([STALE], 1.0, sees_all=True)
    teller.tell([], 2.0, sees_all=False)
    teller.tell([STALE], 3.0, sees_all=True)
    assert len(inboxes[0].messages) == 1


def test_address_that_was_away_gets_the_message_later_and_the_other_none_twice(
    teller: Teller, inboxes: tuple[Inbox, Inbox]
) -> None:
    """One channel of two is down for a minute."""
    inboxes[1].status = 503
    teller.tell([STALE], 1.0, sees_all=True)
    inboxes[1].status = 200
    teller.tell([STALE], 2.0, sees_all=True)
    assert [len(each.messages) for each in inboxes] == [1, 1]
    assert teller.late == []


def test_address_that_stays_away_is_given_up(
    teller: Teller, inboxes: tuple[Inbox, Inbox], capsys: pytest.CaptureFixture[str]
) -> None:
    """A channel that somebody has removed must not keep messages for ever."""
    inboxes[1].status = 503
    teller.tell([STALE], 1.0, sees_all=True)
    teller.late = [type(each)(each.urls, each.title, each.body, MOST_TRIES) for each in teller.late]
    teller.tell([STALE], 2.0, sees_all=True)
    assert teller.late == []
    said = capsys.readouterr().err
    assert said == "monitor: 1 addresses never took 'Dagster: the asset orders has been stale for 6 minutes'\n"
    assert inboxes[1].url not in said


def test_message_that_nobody_took_is_sent_again(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """The network is away: the episode is not told of yet."""
    for each in inboxes:
        each.status = 503
    with pytest.raises(MessageError, match="no address of ALERT_URLS_FILE has taken the message"):
        teller.tell([STALE], 1.0, sees_all=True)
    for each in inboxes:
        each.status = 200
    teller.tell([STALE], 2.0, sees_all=True)
    assert [len(each.messages) for each in inboxes] == [1, 1]


def test_damaged_file_of_episodes_counts_as_none(tmp_path: Path) -> None:
    """A full disk must not end all alerts."""
    file = tmp_path / "episodes.json"
    assert episodes.read(file) == {}
    file.write_text('{"asset:or')
    assert episodes.read(file) == {}
