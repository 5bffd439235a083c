"""Event times from Dagster's event log and the warehouse, never from this process's clock.

Dagster owns the table `event_logs`; its timestamps are UTC without a zone. The queries use the role of runs, which may read it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg2

STEP_ENDS = ["STEP_SUCCESS", "STEP_FAILURE"]


@dataclass(frozen=True)
class Step:
    """An executed step. Times are seconds since 1970."""

    run_id: str
    name: str
    started: float
    ended: float
    failed: bool


@dataclass(frozen=True)
class Databases:
    """Dagster's database and the warehouse. PGPASSFILE names the file with the passwords."""

    host: str

    def query(self, role: str, database: str, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Executes and commits a statement; returns its rows, or an empty list."""
        with (
            closing(psycopg2.connect(host=self.host, user=role, dbname=database, connect_timeout=10)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else []

    def warehouse(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Executes a statement in the warehouse."""
        return self.query("warehouse", "warehouse", text, values)

    def dagster(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Queries Dagster's own database."""
        return self.query("dagster_run", "dagster", text, values)

    def now(self) -> float:
        """The time of the database's clock. It is the host's clock, which also stamps all events."""
        return float(self.dagster("SELECT extract(epoch FROM clock_timestamp())")[0][0])

    def materialized(self, asset: str, since: float) -> list[float]:
        """Times since `since` at which an asset was materialized, oldest first."""
        text = """SELECT timestamp FROM event_logs
            WHERE dagster_event_type = 'ASSET_MATERIALIZATION' AND asset_key = %s AND timestamp > %s ORDER BY timestamp"""
        return [_seconds(row[0]) for row in self.dagster(text, json.dumps([asset]), _stamp(since))]

    def became_stale(self, asset: str, since: float) -> list[float]:
        """Times since `since` at which the freshness daemon marked an asset as stale, oldest first."""
        text = """SELECT timestamp FROM event_logs WHERE dagster_event_type = 'FRESHNESS_STATE_CHANGE' AND asset_key = %s
            AND timestamp > %s AND event LIKE %s ORDER BY timestamp"""
        return [
            _seconds(row[0])
            for row in self.dagster(text, json.dumps([asset]), _stamp(since), "%new_state%FreshnessState.FAIL%previous_state%")
        ]

    def assets_of(self, run_id: str) -> set[str]:
        """The assets that a run has materialized."""
        text = "SELECT DISTINCT asset_key FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION' AND run_id = %s"
        return {"/".join(json.loads(row[0])) for row in self.dagster(text, run_id)}

    def steps(self, run_ids: Sequence[str]) -> list[Step]:
        """The executed steps of some runs, in order of their start. Skipped steps do not count."""
        text = """SELECT s.run_id, s.step_key, s.timestamp, e.timestamp, e.dagster_event_type FROM event_logs s
            JOIN event_logs e ON e.run_id = s.run_id AND e.step_key = s.step_key AND e.dagster_event_type = ANY(%s)
            WHERE s.dagster_event_type = 'STEP_START' AND s.run_id = ANY(%s) ORDER BY s.timestamp"""
        rows = self.dagster(text, STEP_ENDS, list(run_ids))
        return [Step(run, name, _seconds(start), _seconds(end), kind == "STEP_FAILURE") for run, name, start, end, kind in rows]

    def failed_steps(self, run_id: str) -> set[str]:
        """The failed steps of a run."""
        return {step.name for step in self.steps([run_id]) if step.failed}


def _seconds(stamp: datetime) -> float:
    return stamp.replace(tzinfo=UTC).timestamp()


def _stamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
