"""Alertmanager's notifications become messages: each episode once when it begins, and once when it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagster_services.monitor import alertmanager, serve
from dagster_services.monitor.messages import MessageError
from dagster_services.monitor.telling import Teller
from tests.inbox import Inbox

# As Alertmanager 0.28 posts it.
STALE = {
    "status": "firing",
    "labels": {"alertname": "AssetStale", "asset_key": "orders"},
    "annotations": {"summary": "the asset orders is stale", "runbook_url": "docs/runbook.md#assetstale"},
    "startsAt": "2026-11-30T05:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "aa",
}
ITEMS = {**STALE, "annotations": {"summary": "the asset items is stale"}, "fingerprint": "bb"}


def over(alert: dict[str, Any]) -> dict[str, Any]:
    """Returns the alert after its end."""
    return {**alert, "status": "resolved", "endsAt": "2026-11-30T05:10:00Z"}


def notification(*alerts: dict[str, Any]) -> bytes:
    """Returns the body that Alertmanager posts."""
    return json.dumps({"version": "4", "status": "firing", "alerts": alerts}).encode()


def test_episode_is_told_when_it_begins_and_when_it_ends(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """A group is posted whole each time an alert joins or leaves it, and again every few hours."""
    for body in (
        notification(STALE),
        notification(STALE, ITEMS),
        notification(STALE, ITEMS),
        notification(over(STALE), ITEMS),
        notification(over(STALE), ITEMS),
        notification(over(STALE), over(ITEMS)),
    ):
        serve.pass_on(teller, body)
    assert inboxes[0].titles == [
        "Dagster: the asset orders is stale",
        "Dagster: the asset items is stale",
        "Dagster: over: the asset orders is stale",
        "Dagster: over: the asset items is stale",
    ]
    assert inboxes[0].messages[0]["message"] == "the asset orders is stale\ndocs/runbook.md#assetstale"


def test_alerts_that_begin_together_share_a_message(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """An operator gets one message when everything becomes stale."""
    serve.pass_on(teller, notification(STALE, ITEMS))
    assert [each["title"] for each in inboxes[0].messages] == ["Dagster: 2 alerts"]


def test_same_alert_of_another_day_is_another_episode(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """Alertmanager knows an alert by its labels, so the fingerprint is the same."""
    for body in (notification(STALE), notification(over(STALE)), notification({**STALE, "startsAt": "2026-12-01T05:00:00Z"})):
        serve.pass_on(teller, body)
    assert inboxes[0].titles[2] == "Dagster: the asset orders is stale"


def test_end_of_an_episode_that_was_never_told_is_no_news() -> None:
    """It was silenced."""
    assert alertmanager.news({}, alertmanager.alerts(json.loads(notification(over(STALE))))) == []


def test_answer_says_whether_alertmanager_must_post_again(teller: Teller, inboxes: tuple[Inbox, Inbox]) -> None:
    """No channel took the message, or the body is of somebody else."""
    for each in inboxes:
        each.status = 503
    assert serve.outcome(lambda body: serve.pass_on(teller, body), notification(STALE)) == (
        502,
        "no address of ALERT_URLS_FILE has taken the message\n",
    )
    assert serve.outcome(lambda body: serve.pass_on(teller, body), b'{"hello": 1}') == (
        400,
        "this is no notification of Alertmanager\n",
    )
    for each in inboxes:
        each.status = 200
    assert serve.outcome(lambda body: serve.pass_on(teller, body), notification(STALE)) == (200, "")


def test_without_an_address_nothing_is_sent(tmp_path: Path) -> None:
    """ALERT_URLS_FILE is /dev/null by default."""
    silent = Teller(Path("/dev/null"), tmp_path / "episodes.json")
    assert serve.outcome(lambda body: serve.pass_on(silent, body), notification(STALE)) == (200, "")


def test_dead_mans_switch_is_asked(tmp_path: Path, inboxes: tuple[Inbox, Inbox]) -> None:
    """It alerts when these requests end. A wrong address must not look like a working one."""
    file = tmp_path / "url"
    file.write_text(f"http://127.0.0.1:{inboxes[0].server.server_port}/ping\n")
    serve.ping(file)
    assert inboxes[0].pings == ["/ping"]
    file.write_text("http://127.0.0.1:9/secret-token\n")
    with pytest.raises(MessageError, match="the address in DEAD_MAN_URL_FILE does not answer: URLError") as caught:
        serve.ping(file)
    assert "secret" not in str(caught.value)
