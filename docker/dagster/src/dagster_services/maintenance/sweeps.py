"""The rules of retention, one for each table. They are one condition for counting and for deleting.

Dagster itself purges ticks only. The rules follow its open pull request, which deletes operational events by age:
https://github.com/dagster-io/dagster/pull/33863. Beyond it, a run and old events of assets go too, once nothing needs them.

`x` is the row in question. `%(before)s` is the moment up to which rows are old: UTC without a time zone, as Dagster writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

# A run that ended so long ago. A run without an end time was canceled before its start.
ENDED = """({0}.status IN ('SUCCESS', 'FAILURE', 'CANCELED')
    AND coalesce(to_timestamp({0}.end_time) AT TIME ZONE 'utc', {0}.update_timestamp) < %(before)s)"""
# No such run is under way, or younger. A runless event has an empty run id.
RUN_IS_OVER = f"NOT EXISTS (SELECT FROM runs AS r WHERE r.run_id = x.run_id AND NOT {ENDED.format('r')})"
# A newer event of the same kind, asset and partition. Two questions, because no index serves IS NOT DISTINCT FROM.
NEWER_EVENT = """CASE WHEN {0}.partition IS NULL
    THEN EXISTS (SELECT FROM event_logs AS n WHERE n.asset_key = {0}.asset_key
        AND n.dagster_event_type = {0}.dagster_event_type AND n.id > {0}.id AND n.partition IS NULL)
    ELSE EXISTS (SELECT FROM event_logs AS n WHERE n.asset_key = {0}.asset_key
        AND n.dagster_event_type = {0}.dagster_event_type AND n.partition = {0}.partition AND n.id > {0}.id) END"""
# A newer result of the same check. A check that is planned must not hide its last result, so each status counts for itself.
NEWER_CHECK = """EXISTS (SELECT FROM asset_check_executions AS n WHERE n.asset_key = {0}.asset_key
    AND n.check_name = {0}.check_name AND n.execution_status = {0}.execution_status
    AND n.partition IS NOT DISTINCT FROM {0}.partition AND n.id > {0}.id)"""
OLD_CHECK = f"""coalesce(x.evaluation_event_timestamp, x.create_timestamp) < %(before)s AND {RUN_IS_OVER}
    AND {NEWER_CHECK.format("x")}"""
# The results that stay. Asked once: for each part of a sweep again, it took most of the time.
NEWEST_CHECKS = f"""DROP TABLE IF EXISTS pg_temp.newest_checks; CREATE TEMP TABLE newest_checks AS
    SELECT c.run_id, c.evaluation_event_storage_id AS event_id FROM asset_check_executions AS c
    WHERE NOT {NEWER_CHECK.format("c")};"""
# A re-execution from failure reads these: dagster/_core/execution/plan/state.py. They go with their run.
FOR_RE_EXECUTION = """('STEP_START', 'STEP_FAILURE', 'STEP_SUCCESS', 'STEP_OUTPUT', 'STEP_SKIPPED', 'RESOURCE_INIT_FAILURE')"""
RUN_MAY_BE_REPEATED = "EXISTS (SELECT FROM runs AS r WHERE r.run_id = x.run_id AND r.status <> 'SUCCESS')"
# Events without an asset are operational: steps, logs, handled outputs.
OLD_EVENT = f"""x.timestamp < %(before)s AND {RUN_IS_OVER}
    AND CASE WHEN x.asset_key IS NOT NULL THEN {NEWER_EVENT.format("x")}
        WHEN x.dagster_event_type = 'ASSET_CHECK_EVALUATION'
        THEN x.id NOT IN (SELECT event_id FROM newest_checks WHERE event_id IS NOT NULL)
        WHEN x.dagster_event_type IN {FOR_RE_EXECUTION} THEN NOT {RUN_MAY_BE_REPEATED}
        ELSE true END"""
# The newest run of each job of a code location, and of each of its partitions, is what the UI shows of them. A question for
# each run would read all newer runs of a job with many partitions.
NEWEST_RUNS = """DROP TABLE IF EXISTS pg_temp.newest_runs; CREATE TEMP TABLE newest_runs AS SELECT max(r.id) AS id FROM runs AS r
    LEFT JOIN run_tags AS t ON t.run_id = r.run_id AND t.key = '.dagster/repository'
    WHERE r.pipeline_name NOT LIKE '\\_\\_ASSET\\_JOB%' GROUP BY r.pipeline_name, r.partition, t.value"""
# Other runs name a run as their parent or root. A sensor asks for the run with a run key, so that it launches none again.
NAMED_BY_OTHERS = """EXISTS (SELECT FROM run_tags AS t
    WHERE t.key IN ('dagster/root_run_id', 'dagster/parent_run_id') AND t.value = x.run_id)"""
HAS_RUN_KEY = """EXISTS (SELECT FROM run_tags AS t WHERE t.run_id = x.run_id AND t.key = 'dagster/run_key')"""
# The newest event of an asset links to its run. Runs of a backfill that goes on are counted by it.
UNUSED_RUN = f"""{ENDED.format("x")}
    AND NOT EXISTS (SELECT FROM event_logs AS e WHERE e.run_id = x.run_id AND e.asset_key IS NOT NULL
        AND NOT {NEWER_EVENT.format("e")})
    AND x.run_id NOT IN (SELECT last_run_id FROM asset_keys WHERE last_run_id IS NOT NULL)
    AND x.run_id NOT IN (SELECT run_id FROM newest_checks WHERE run_id IS NOT NULL)
    AND x.id NOT IN (SELECT id FROM newest_runs)
    AND NOT {NAMED_BY_OTHERS} AND NOT {HAS_RUN_KEY}
    AND NOT EXISTS (SELECT FROM bulk_actions AS b
        WHERE b.key = x.backfill_id AND b.status IN ('REQUESTED', 'CANCELING', 'FAILING'))"""
OLD_BACKFILL = """x.timestamp < %(before)s AND x.status NOT IN ('REQUESTED', 'CANCELING', 'FAILING')
    AND NOT EXISTS (SELECT FROM runs AS r WHERE r.backfill_id = x.key)"""


@dataclass(frozen=True)
class Sweep:
    """What is removed from one table.

    `size` is the size of a row's text in bytes. `also` are more statements, which see the removed rows as `gone`.
    Rows are looked at in the order of their ids, and `age` ends that: beyond the first part without an old row all are young.
    """

    table: str
    rule: str
    age: str
    size: str = "0"
    keys: str = ""
    also: tuple[str, ...] = ()
    newest_first: bool = False
    # Whether rows of the table name others of it.
    chained: bool = False
    # A statement that comes before the sweep.
    prepare: str = ""


SWEEPS = (
    Sweep("asset_check_executions", OLD_CHECK, "create_timestamp", "octet_length(x.evaluation_event)"),
    Sweep(
        "event_logs",
        OLD_EVENT,
        "timestamp",
        "octet_length(x.event)",
        also=("DELETE FROM asset_event_tags USING gone WHERE event_id = gone.id",),
        prepare=NEWEST_CHECKS,
    ),
    # Re-executions name the first run. It comes after them.
    Sweep(
        "runs",
        UNUSED_RUN,
        "create_timestamp",
        "octet_length(x.run_body)",
        keys="x.run_id",
        also=(
            "DELETE FROM event_logs USING gone WHERE run_id = gone.key",
            "DELETE FROM pending_steps USING gone WHERE run_id = gone.key",
        ),
        newest_first=True,
        chained=True,
        prepare=NEWEST_CHECKS + NEWEST_RUNS,
    ),
    Sweep(
        "bulk_actions",
        OLD_BACKFILL,
        "timestamp",
        "octet_length(x.body)",
        keys="x.key",
        also=("DELETE FROM backfill_tags USING gone WHERE backfill_id = gone.key",),
    ),
    # Dagster purges ticks of schedules and sensors that exist. Those of removed ones stay for ever.
    Sweep("job_ticks", "x.timestamp < %(before)s", "timestamp", "octet_length(x.tick_body)"),
    Sweep(
        "asset_daemon_asset_evaluations",
        "x.create_timestamp < %(before)s",
        "create_timestamp",
        "octet_length(x.asset_evaluation_body)",
    ),
)
