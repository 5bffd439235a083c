"""Reads Dagster's tables. After the first look it reads new rows only, by their ids: a look costs milliseconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dagster_services.database.session import as_json, rows
from dagster_services.monitor.condition import Check, Freshness, Tick

if TYPE_CHECKING:
    import psycopg2.extensions

# Rows of an earlier process of the daemon do not count: its daemons may be switched off since.
HEARTBEATS = """SELECT daemon_type, timestamp FROM daemon_heartbeats
    WHERE daemon_id = (SELECT daemon_id FROM daemon_heartbeats ORDER BY timestamp DESC LIMIT 1)"""
FRESHNESS = f"""SELECT id, true, asset_key, timestamp,
    {as_json("event")} #>> '{{dagster_event,event_specific_data,new_state,__enum__}}'
    FROM event_logs WHERE dagster_event_type = 'FRESHNESS_STATE_CHANGE' AND (id > %s OR id = ANY(%s)) ORDER BY id"""
TICK = "id, status <> 'STARTED', selector_id, status, timestamp, create_timestamp, tick_body"
# The first look reads the newest ticks of each instigator only: there may be 100,000 others.
LATEST_TICKS = f"""SELECT latest.* FROM (SELECT DISTINCT selector_id FROM job_ticks) AS i CROSS JOIN LATERAL (
    SELECT {TICK} FROM job_ticks AS t WHERE t.selector_id = i.selector_id ORDER BY timestamp DESC LIMIT 2) AS latest
    ORDER BY id"""
TICKS = f"SELECT {TICK} FROM job_ticks WHERE id > %s OR id = ANY(%s) ORDER BY id"
CHECKS = f"""SELECT id, execution_status <> 'PLANNED', asset_key, check_name, execution_status,
    {as_json("evaluation_event")} #>> '{{dagster_event,event_specific_data,severity,__enum__}}',
    coalesce(evaluation_event_timestamp, create_timestamp)
    FROM asset_check_executions WHERE id > %s OR id = ANY(%s) ORDER BY id"""
# A transaction that began earlier may commit later: its rows have lower ids than the last one seen.
OVERLAP = 100
# A tick or check whose process was killed stays unfinished for ever.
MOST_UNFINISHED = 10_000


@dataclass
class Follower:
    """Where the reading of a table stands: the last id, the ids that were unfinished, and those near the last that were not.

    Rows up to `floor` do not count.
    """

    last: int = 0
    unfinished: set[int] = field(default_factory=set)
    floor: int = 0
    finished: set[int] = field(default_factory=set)

    @property
    def since(self) -> tuple[int, list[int]]:
        """The id after which rows may be new, and the ids to read again."""
        return max(self.floor, self.last - OVERLAP), sorted(self.unfinished)

    def take(self, found: Sequence[Any]) -> list[Any]:
        """The rows that have finished since the last look. A row begins with its id, and with whether it has finished."""
        new = [row for row in found if row[1] and row[0] not in self.finished]
        for number, is_finished, *_ in found:
            self.last = max(self.last, number)
            (self.finished if is_finished else self.unfinished).add(number)
        self.unfinished = set(sorted(self.unfinished - self.finished)[-MOST_UNFINISHED:])
        self.finished = {number for number in self.finished if number > self.last - OVERLAP}
        return new

    def follow(self, connection: psycopg2.extensions.connection, query: str) -> list[Any]:
        """The rows that are new or have finished since the last look.

        Raises:
            psycopg2.Error: the database does not answer.
        """
        return self.take(rows(connection, query, *self.since))


def seconds(moment: datetime) -> float:
    """Dagster writes UTC without a time zone."""
    return moment.replace(tzinfo=UTC).timestamp()


def name_of(asset_key: str) -> str:
    """`a/b` for the text of an asset key, '["a", "b"]'."""
    return "/".join(json.loads(asset_key))


def error_of(tick_body: str) -> str:
    """The first cause of a tick's failure: Dagster wraps an error of user code in errors of its own. None is empty."""
    try:
        error: dict[str, Any] = json.loads(tick_body).get("error") or {}
    except ValueError:
        return ""
    while error.get("cause"):
        error = error["cause"]
    return str(error.get("message", ""))


@dataclass(frozen=True)
class SeenTick:
    """A tick that has ended: its instigator, how it ended, and by how many seconds it began too late."""

    selector: str
    status: str
    late: float


@dataclass
class Reader:
    """All that was read so far."""

    heartbeats: dict[str, float] = field(default_factory=dict)
    ticks: dict[str, Tick] = field(default_factory=dict)
    freshness: dict[str, Freshness] = field(default_factory=dict)
    checks: dict[tuple[str, str], Check] = field(default_factory=dict)
    # The ticks that ended since the first look.
    new_ticks: list[SeenTick] = field(default_factory=list)
    _ticks: Follower = field(default_factory=Follower)
    _freshness: Follower = field(default_factory=Follower)
    _checks: Follower = field(default_factory=Follower)

    def look(self, connection: psycopg2.extensions.connection) -> None:
        """Reads what is new.

        Raises:
            psycopg2.Error: the database does not answer.
        """
        self.heartbeats = {name: seconds(at) for name, at in rows(connection, HEARTBEATS)}
        self._look_at_ticks(connection)
        for _, _, asset, at, state in self._freshness.follow(connection, FRESHNESS):
            if state:
                self.freshness[name_of(asset)] = Freshness(state.rpartition(".")[2], seconds(at))
        for _, _, asset, check, status, severity, at in self._checks.follow(connection, CHECKS):
            has_failed = status == "FAILED" and (severity or "").rpartition(".")[2] != "WARN"
            self.checks[name_of(asset), check] = Check(has_failed, seconds(at))

    def _look_at_ticks(self, connection: psycopg2.extensions.connection) -> None:
        is_first = self._ticks.last == 0
        found = self._ticks.take(rows(connection, LATEST_TICKS)) if is_first else self._ticks.follow(connection, TICKS)
        if is_first:
            self._ticks.floor = self._ticks.last
        for _, _, selector, status, at, created, body in found:
            self._note(selector, status, seconds(at), error_of(body) if status == "FAILURE" else "")
            if not is_first:
                self.new_ticks.append(SeenTick(selector, status, seconds(created) - seconds(at)))

    def _note(self, selector: str, status: str, at: float, error: str) -> None:
        before = self.ticks.get(selector)
        if before is None or at >= before.at:
            since = before.since if before and before.status == status else at
            self.ticks[selector] = Tick(status, at, since, error)
