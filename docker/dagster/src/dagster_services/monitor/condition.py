"""The facts about a deployment at one moment. Times are in seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """Why something does not answer or load, and since when."""

    since: float
    reason: str


@dataclass(frozen=True)
class Instigator:
    """A schedule or sensor: its location, its name, whether it is on. `interval` is a sensor's, in seconds."""

    location: str
    name: str
    kind: str
    is_on: bool
    interval: float = 0.0


@dataclass(frozen=True)
class Roster:
    """The definitions of all code locations. Those of a location that does not load are the last ones known."""

    # Each location, with the reason why it does not load.
    locations: Mapping[str, Fault | None] = field(default_factory=dict)
    # By Dagster's own id of each, which ticks carry.
    instigators: Mapping[str, Instigator] = field(default_factory=dict)
    # The assets, as `a/b`, with their code location.
    assets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tick:
    """The newest tick of an instigator that has ended: SUCCESS, SKIPPED or FAILURE, with its error.

    `since` is the time of the first tick of those in a row that ended alike.
    """

    status: str
    at: float
    since: float
    error: str = ""


@dataclass(frozen=True)
class Freshness:
    """The state that the daemon gave an asset with a freshness policy: PASS, WARN, FAIL or UNKNOWN; and since when."""

    state: str
    since: float


@dataclass(frozen=True)
class Check:
    """The newest result of an asset check. A result with the severity WARN does not count as failed."""

    has_failed: bool
    at: float


@dataclass(frozen=True)
class Condition:
    """All facts that alerts depend on."""

    roster: Roster = Roster()
    heartbeats: Mapping[str, float] = field(default_factory=dict)
    ticks: Mapping[str, Tick] = field(default_factory=dict)
    freshness: Mapping[str, Freshness] = field(default_factory=dict)
    # By asset and name of the check.
    checks: Mapping[tuple[str, str], Check] = field(default_factory=dict)
    # The services that do not answer: `webserver`, `postgres`.
    silent: Mapping[str, Fault] = field(default_factory=dict)
