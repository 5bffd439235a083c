"""Passes Alertmanager's notifications on to the operator's addresses: each episode once when it begins, and once when it ends.

Alertmanager repeats a whole group when one alert joins it: https://prometheus.io/docs/alerting/latest/configuration/#route
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_services.monitor.messages import MOST_CHARACTERS


@dataclass(frozen=True)
class Alert:
    """An alert of a notification. `key` is the same for the whole episode."""

    key: str
    is_over: bool
    summary: str
    remedy: str


def alerts(notification: Mapping[str, Any]) -> list[Alert]:
    """The alerts of a notification, version 4 of the webhook's data.

    Raises:
        KeyError, TypeError: it is no notification.
    """
    return [_alert(each) for each in notification["alerts"]]


def _alert(data: Mapping[str, Any]) -> Alert:
    notes = data["annotations"]
    summary = notes.get("summary") or data["labels"]["alertname"]
    key = f"alert:{data['fingerprint']}:{data['startsAt']}"
    return Alert(key, data["status"] == "resolved", summary, notes.get("runbook_url", ""))


def news(told: Mapping[str, float], found: Iterable[Alert]) -> list[Alert]:
    """The alerts that began and were not told of, and those that were told of and are over."""
    return [alert for alert in found if alert.is_over == (alert.key in told)]


def after(told: Mapping[str, float], new: Sequence[Alert], now: float) -> dict[str, float]:
    """The episodes after a message about news."""
    over = {alert.key for alert in new if alert.is_over}
    begun = {alert.key: now for alert in new if not alert.is_over}
    return {key: at for key, at in {**told, **begun}.items() if key not in over}


def message(new: Sequence[Alert]) -> tuple[str, str]:
    """Title and body about news."""
    lines = [f"{'over: ' if each.is_over else ''}{each.summary}" for each in new]
    title = lines[0] if len(lines) == 1 else f"{len(lines)} alerts"
    remedies = sorted({each.remedy for each in new if each.remedy and not each.is_over})
    return f"Dagster: {title}"[:200], "\n".join([*lines, *remedies])[:MOST_CHARACTERS]
