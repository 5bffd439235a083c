"""Multiplies the runs of a deployment: each copy has events, tags and results of checks, and lies further in the past."""

from __future__ import annotations

from collections.abc import Mapping

from operate.compose import compose

# Present events move beyond all copies: older ones have smaller ids, as if they had been written then.
SPACE = 100_000_000
SQL = """
UPDATE event_logs SET id = id + {space};
UPDATE asset_event_tags SET event_id = event_id + {space};
UPDATE asset_check_executions SET evaluation_event_storage_id = evaluation_event_storage_id + {space},
    materialization_event_storage_id = materialization_event_storage_id + {space};
SELECT setval('event_logs_id_seq', 2 * {space});
CREATE TEMP TABLE made AS
    SELECT r.run_id AS former, gen_random_uuid()::text AS run_id,
        make_interval(secs => number * {days} * 86400.0 / {copies}) AS age
    FROM runs AS r, generate_series({copies}, 1, -1) AS number WHERE r.status = 'SUCCESS' ORDER BY number DESC, r.id;
INSERT INTO runs (run_id, snapshot_id, pipeline_name, status, run_body, partition, partition_set,
        create_timestamp, update_timestamp, start_time, end_time)
    SELECT made.run_id, snapshot_id, pipeline_name, status, replace(run_body, former, made.run_id), partition, partition_set,
        create_timestamp - age, update_timestamp - age,
        start_time - extract(epoch FROM age), end_time - extract(epoch FROM age)
    FROM made JOIN runs AS r ON r.run_id = made.former;
INSERT INTO run_tags (run_id, key, value)
    SELECT made.run_id, key, value FROM made JOIN run_tags AS t ON t.run_id = made.former;
CREATE TEMP TABLE copied AS
    SELECT row_number() OVER (ORDER BY age DESC, e.id) AS id, e.id AS source, made.run_id, former, age
    FROM made JOIN event_logs AS e ON e.run_id = made.former;
INSERT INTO event_logs (id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
    SELECT c.id, c.run_id, replace(event, former, c.run_id), dagster_event_type, timestamp - age, step_key, asset_key, partition
    FROM copied AS c JOIN event_logs AS e ON e.id = c.source ORDER BY c.id;
INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp)
    SELECT c.id, asset_key, key, value, event_timestamp - age
    FROM copied AS c JOIN asset_event_tags AS t ON t.event_id = c.source;
INSERT INTO asset_check_executions (asset_key, check_name, partition, run_id, execution_status, evaluation_event,
        evaluation_event_timestamp, evaluation_event_storage_id, create_timestamp)
    SELECT asset_key, check_name, partition, c.run_id, execution_status, evaluation_event,
        evaluation_event_timestamp - age, c.id, create_timestamp - age
    FROM copied AS c JOIN asset_check_executions AS x ON x.evaluation_event_storage_id = c.source;
-- The newest results have the largest ids.
UPDATE asset_check_executions SET id = id + {space} WHERE evaluation_event_storage_id > {space};
ANALYZE;
"""


def multiply(environ: Mapping[str, str], copies: int, days: int) -> None:
    """Makes so many copies of each successful run, spread over the last days. The daemon must not run meanwhile.

    Raises:
        CommandError: the database refuses it.
    """
    ask(environ, SQL.format(copies=copies, days=days, space=SPACE))


def ask(environ: Mapping[str, str], statement: str) -> list[str]:
    """Returns psql's lines for a statement in Dagster's database, as the superuser.

    Raises:
        CommandError: the database refuses it.
    """
    psql = ("psql", "--username=postgres", "--dbname=dagster", "--no-align", "--tuples-only", "--quiet", "--set=ON_ERROR_STOP=1")
    return compose("exec", "-T", "postgres", *psql, "--command", statement, capture=True, env=environ).splitlines()
