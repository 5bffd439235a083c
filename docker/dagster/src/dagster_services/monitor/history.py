"""Reads for Prometheus what alerts do not need: runs, pools, sizes, maintenance. New rows only, as in `reading`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dagster_services.database.session import as_json, rows
from dagster_services.monitor.reading import Follower, name_of, seconds

if TYPE_CHECKING:
    import psycopg2.extensions

ENDED = "('SUCCESS', 'FAILURE', 'CANCELED')"
# The tag names the code location after an @.
RUNS = f"""SELECT r.id, r.status IN {ENDED}, r.pipeline_name, coalesce(split_part(t.value, '@', 2), '__unknown__'), r.status,
    r.create_timestamp, r.start_time, r.end_time,
    EXISTS (SELECT FROM run_tags AS n WHERE n.run_id = r.run_id AND n.key = 'dagster/retry_number')
    FROM runs AS r LEFT JOIN run_tags AS t ON t.run_id = r.run_id AND t.key = '.dagster/repository'
    WHERE r.id > %s OR r.id = ANY(%s) ORDER BY r.id"""
# Where the counting begins. Counters of Prometheus begin at zero.
RUNS_BEFORE = f"""SELECT coalesce(max(id), 0), array_agg(id) FILTER (WHERE status NOT IN {ENDED}) FROM runs
    WHERE id > coalesce((SELECT max(id) FROM runs), 0) - 100000"""
FAILURES = f"""SELECT id, true, {as_json("event")} #>> '{{dagster_event,event_specific_data,failure_reason,__enum__}}'
    FROM event_logs WHERE dagster_event_type = 'PIPELINE_FAILURE' AND (id > %s OR id = ANY(%s)) ORDER BY id"""
LAST_EVENT = "SELECT coalesce(max(id), 0) FROM event_logs"
ASSETS = """SELECT asset_key, last_materialization_timestamp FROM asset_keys
    WHERE last_materialization_timestamp > coalesce(wipe_timestamp, '-infinity')"""
POOLS = """SELECT l.concurrency_key, l.limit, (SELECT count(*) FROM concurrency_slots AS s
    WHERE s.concurrency_key = l.concurrency_key AND s.run_id IS NOT NULL AND NOT s.deleted),
    (SELECT count(*) FROM pending_steps AS p WHERE p.concurrency_key = l.concurrency_key AND p.assigned_timestamp IS NULL)
    FROM concurrency_limits AS l"""
SIZE = "SELECT pg_database_size(current_database())"
MAINTENANCE = f"""SELECT id, true, timestamp,
    {as_json("event")} #> '{{dagster_event,event_specific_data,materialization,metadata_entries}}'
    FROM event_logs WHERE asset_key = '["deployment", "maintenance"]' AND dagster_event_type = 'ASSET_MATERIALIZATION'
    AND (id > %s OR id = ANY(%s)) ORDER BY id"""


@dataclass(frozen=True)
class SeenRun:
    """A run: its state, and when it was made, began and ended, in seconds since 1970."""

    job: str
    location: str
    status: str
    created: float
    started: float | None
    ended: float | None
    is_retry: bool


@dataclass(frozen=True)
class Pool:
    """A concurrency pool: its slots, those in use, and the steps that wait for one."""

    name: str
    slots: int
    used: int
    waiting: int


@dataclass(frozen=True)
class Removed:
    """The last maintenance: when it ended, whether with an error, and the bytes that it removed."""

    at: float
    has_failed: bool
    bytes: int


@dataclass
class History:
    """All that was read so far. `ended` and `reasons` are what is new: whoever counts it empties them."""

    active: list[SeenRun] = field(default_factory=list)
    ended: list[SeenRun] = field(default_factory=list)
    # Why runs failed, in Dagster's words.
    reasons: list[str] = field(default_factory=list)
    materialized: dict[str, float] = field(default_factory=dict)
    pools: list[Pool] = field(default_factory=list)
    size: int = 0
    maintenance: Removed | None = None
    _runs: Follower | None = None
    _failures: Follower = field(default_factory=Follower)
    _maintenance: Follower = field(default_factory=Follower)

    def look(self, connection: psycopg2.extensions.connection) -> None:
        """Reads what is new.

        Raises:
            psycopg2.Error: the database does not answer.
        """
        self._look_at_runs(connection)
        self.materialized = {name_of(asset): seconds(at) for asset, at in rows(connection, ASSETS)}
        self.pools = [Pool(*row) for row in rows(connection, POOLS)]
        [(self.size,)] = rows(connection, SIZE)
        for _, _, at, entries in self._maintenance.follow(connection, MAINTENANCE):
            self.maintenance = _removed(seconds(at), entries or [])

    def _look_at_runs(self, connection: psycopg2.extensions.connection) -> None:
        if self._runs is None:
            [(last, unfinished)] = rows(connection, RUNS_BEFORE)
            self._runs = Follower(last, set(unfinished or ()), floor=last)
            [(event,)] = rows(connection, LAST_EVENT)
            self._failures = Follower(event, floor=event)
        found = rows(connection, RUNS, *self._runs.since)
        self.active = [SeenRun(*_run(row)) for row in found if not row[1]]
        self.ended += [SeenRun(*_run(row)) for row in self._runs.take(found)]
        self.reasons += [reason or "UNKNOWN" for *_, reason in self._failures.follow(connection, FAILURES)]


def _run(row: Any) -> tuple[Any, ...]:
    job, location, status, created, started, ended, is_retry = row[2:]
    return job, location, status, seconds(created), started, ended, is_retry


def _removed(at: float, entries: list[dict[str, Any]]) -> Removed:
    found = {each["label"]: each["entry_data"] for each in entries}
    return Removed(at, "error" in found, int(found["bytes"]["value"]) if "bytes" in found else 0)
