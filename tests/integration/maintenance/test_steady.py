"""Thirty days of runs with a maintenance each night: the tables stop growing once the first days are too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dagster_services.maintenance.parts import sweep_all
from dagster_services.maintenance.sweeps import SWEEPS
from tests.integration.databases import asking
from tests.integration.maintenance.conftest import age

if TYPE_CHECKING:
    import psycopg2.extensions

KEPT_DAYS, DAYS = 5, 30
# What a day adds: copies of each run of the history, with all that belongs to it.
COPIES = 3
DAY = """
CREATE TEMP TABLE made AS SELECT r.run_id AS former, gen_random_uuid()::text AS run_id
    FROM kept.runs AS r, generate_series(1, {copies});
INSERT INTO runs (run_id, snapshot_id, pipeline_name, status, run_body, partition, create_timestamp, update_timestamp,
        start_time, end_time)
    SELECT made.run_id, snapshot_id, pipeline_name, status, replace(run_body, former, made.run_id), partition,
        now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc', extract(epoch FROM now()), extract(epoch FROM now())
    FROM made JOIN kept.runs AS r ON r.run_id = made.former;
INSERT INTO run_tags (run_id, key, value) SELECT made.run_id, key, value FROM made JOIN kept.run_tags AS t ON t.run_id = former;
INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
    SELECT made.run_id, replace(event, former, made.run_id), dagster_event_type, now() AT TIME ZONE 'utc', step_key, asset_key,
        partition FROM made JOIN kept.event_logs AS e ON e.run_id = former;
INSERT INTO asset_check_executions (asset_key, check_name, run_id, execution_status, evaluation_event, create_timestamp)
    SELECT asset_key, check_name, made.run_id, execution_status, evaluation_event, now() AT TIME ZONE 'utc'
    FROM made JOIN kept.asset_check_executions AS c ON c.run_id = former;
DROP TABLE made;
"""
GROWING = ("event_logs", "runs", "run_tags", "asset_check_executions")


def test_database_stays_within_ten_percent_after_the_first_days(
    history: psycopg2.extensions.connection, migrated: dict[str, str]
) -> None:
    """A deployment that is left alone for a year must not fill its disk."""
    rows: list[int] = []
    sizes: list[int] = []
    with asking(migrated, "postgres", "dagster") as cursor:
        for _ in range(DAYS):
            age(cursor, 1)
            cursor.execute(DAY.format(copies=COPIES))
            before = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=KEPT_DAYS, hours=1)
            for sweep in SWEEPS:
                sweep_all(history, sweep, before, counts_only=False)
            # Autovacuum does it in a deployment.
            cursor.execute(f"VACUUM {', '.join(GROWING)}")
            cursor.execute(" UNION ALL ".join(f"SELECT count(*), pg_table_size('{table}') FROM {table}" for table in GROWING))
            found = cursor.fetchall()
            rows.append(sum(count for count, _ in found))
            sizes.append(sum(size for _, size in found))
    settled = KEPT_DAYS + 3
    assert rows[-1] > 1000
    assert rows[0] < 0.5 * rows[settled]
    assert rows[-1] < 1.1 * rows[settled], rows
    assert sizes[-1] < 1.1 * sizes[settled], sizes
