"""Decides what is worth a message. A problem has a key, which stays the same as long as the problem lasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagster_services.monitor.condition import Condition

# Heartbeats come every 30 s. `daemon.probe` ends a daemon that is silent for so long; a restart takes some seconds.
SILENT_SECONDS = 180
# Threads of these daemons write between two tasks only: daemon/probe.py.
LONG_SILENT_SECONDS = 1_800
LONG = ("ASSET", "BACKFILL")


@dataclass(frozen=True)
class Problem:
    """One thing that is not well: its kind, the thing's name, and the reason or the time since."""

    kind: str
    name: str
    said: str

    @property
    def key(self) -> str:
        """The same for the whole episode."""
        return f"{self.kind}:{self.name}"


def problems(found: Condition, now: float, patience: float) -> Iterator[Problem]:
    """All problems of a moment.

    A stale asset and a failing sensor are problems after `patience` seconds: automation refreshes an asset by itself, and a
    sensor tries again at its next tick.
    """
    yield from _silent(found, now)
    yield from _locations(found, now)
    yield from _ticks(found, now - patience)
    yield from _assets(found, now, patience)


def _silent(found: Condition, now: float) -> Iterator[Problem]:
    for name, fault in found.silent.items():
        if now - fault.since > SILENT_SECONDS:
            yield Problem("service", name, f"{name} has not answered for {_minutes(now - fault.since)}: {_first(fault.reason)}")
    for name, at in found.heartbeats.items():
        if now - at > (LONG_SILENT_SECONDS if name in LONG else SILENT_SECONDS):
            yield Problem("daemon", name, f"the daemon {name} has written no heartbeat for {_minutes(now - at)}")


def _locations(found: Condition, now: float) -> Iterator[Problem]:
    for name, fault in found.roster.locations.items():
        if fault and now - fault.since > SILENT_SECONDS:
            yield Problem("code location", name, f"the code location {name} does not load: {_first(fault.reason)}")


def _ticks(found: Condition, before: float) -> Iterator[Problem]:
    for selector, tick in found.ticks.items():
        instigator = found.roster.instigators.get(selector)
        if instigator is None or not instigator.is_on or tick.status != "FAILURE":
            continue
        if instigator.kind == "schedule" or tick.since < before:
            said = f"the {instigator.kind} {instigator.name} of {instigator.location} failed: {_first(tick.error)}"
            yield Problem(instigator.kind, f"{instigator.location}:{instigator.name}", said)


def _assets(found: Condition, now: float, patience: float) -> Iterator[Problem]:
    for asset, freshness in found.freshness.items():
        if asset in found.roster.assets and freshness.state == "FAIL" and now - freshness.since > patience:
            yield Problem("asset", asset, f"the asset {asset} has been stale for {_minutes(now - freshness.since)}")
    for (asset, name), check in found.checks.items():
        if asset in found.roster.assets and check.has_failed:
            yield Problem("asset check", f"{asset}:{name}", f"the check {name} of the asset {asset} failed")


def _first(text: str) -> str:
    return (text.strip().splitlines() or ["no reason is known"])[0]


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"
