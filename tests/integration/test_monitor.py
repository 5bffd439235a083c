"""The monitor reads what real runs, ticks and freshness changes leave in Postgres, with a role that cannot write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import psycopg2.extensions
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster_shared.error import SerializableErrorInfo
from prometheus_client import generate_latest

from dagster_services.database.session import connected
from dagster_services.monitor import gauges
from dagster_services.monitor.condition import Condition, Instigator, Roster
from dagster_services.monitor.gauges import Gauges
from dagster_services.monitor.history import History
from dagster_services.monitor.reading import Reader
from dagster_services.monitor.surroundings import disk
from dagster_services.monitor.totals import Totals

ORDERS = dg.AssetKey(["shop", "orders"])
DAMAGED = """INSERT INTO event_logs (run_id, event, timestamp, dagster_event_type, asset_key) VALUES
    ('', '{', now(), 'FRESHNESS_STATE_CHANGE', '["shop", "orders"]'),
    ('', '{', now(), 'PIPELINE_FAILURE', NULL),
    ('', '{', now(), 'ASSET_MATERIALIZATION', '["deployment", "maintenance"]')"""

# Of a failed run of `bake`, and of one that goes on.
METRICS = {
    'dagster_completed_runs_total{job_name="bake",location="shop",status="failure"} 1.0',
    'dagster_run_failures_total{reason="step_failure"} 1.0',
    'dagster_active_runs{job_name="bake",location="shop",status="started"} 1.0',
    'dagster_schedule_ticks_total{location="shop",status="success"} 1.0',
    'dagster_schedule_tick_delay_seconds_bucket{le="10.0"} 1.0',
    'dagster_schedule_tick_delay_seconds_bucket{le="5.0"} 0.0',
    'dagster_schedule_status{location="shop",schedule_name="hourly",status="running"} 1.0',
    'dagster_asset_check_failed{asset_key="shop/orders",check_name="has_rows"} 0.0',
    'dagster_code_location_load_error{location="shop"} 0.0',
}


@dg.op
def knead() -> None:
    """Fails."""
    raise dg.Failure("no flour")


@dg.job
def bake() -> None:
    """Fails."""
    knead()


@dg.asset(key=ORDERS, check_specs=[dg.AssetCheckSpec("has_rows", asset=ORDERS), dg.AssetCheckSpec("is_small", asset=ORDERS)])
def orders(context) -> Iterator[Any]:
    """Its checks fail as the run's tags say. The second one only warns."""
    passed = "broken" not in context.run.tags
    yield dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(passed=passed, check_name="has_rows"),
            dg.AssetCheckResult(passed=passed, check_name="is_small", severity=dg.AssetCheckSeverity.WARN),
        ]
    )


@pytest.fixture
def instance(migrated: dict[str, str], in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Yields the instance of the services."""
    with dg.DagsterInstance.get() as found:
        yield found


@pytest.fixture
def connection(in_environment: dict[str, str], instance: dg.DagsterInstance) -> Iterator[psycopg2.extensions.connection]:
    """Yields a connection with the role of the service."""
    with closing(connected({**in_environment, "DAGSTER_POSTGRES_USER": "dagster_monitor"})) as found:
        yield found


def changed(instance: dg.DagsterInstance, state: FreshnessState) -> None:
    """Reports a change of freshness, as the daemon does."""
    change = FreshnessStateChange(
        key=ORDERS, previous_state=FreshnessState.UNKNOWN, new_state=state, state_change_timestamp=time.time()
    )
    instance._report_runless_asset_event(change)


def ticked(instance: dg.DagsterInstance, status: TickStatus, at: float, error: str = "") -> Any:
    """Reports a tick of the schedule `hourly`."""
    cause = SerializableErrorInfo(f"KeyError: {error}", [], "KeyError")
    wrapped = SerializableErrorInfo("Error occurred during the execution of the schedule", [], "X", cause=cause)
    data = TickData(
        "origin", "hourly", InstigatorType.SCHEDULE, status, at, run_ids=[], selector_id="s1", error=wrapped if error else None
    )
    return instance.create_tick(data)


def condition(reader: Reader) -> Condition:
    """Returns the facts that a reader has found, beside a roster with one asset and one schedule."""
    roster = Roster({"shop": None}, {"s1": Instigator("shop", "hourly", "schedule", is_on=True)}, {"shop/orders": "shop"})
    return Condition(roster, reader.heartbeats, reader.ticks, reader.freshness, reader.checks)


def scraped(totals: Totals, found: Condition, past: History) -> list[str]:
    """Returns the lines that Prometheus gets."""
    state = Gauges()
    state.found, state.past = found, past
    totals.registry.register(state)
    return generate_latest(totals.registry).decode().splitlines()


def test_freshness_and_checks_are_those_of_the_last_look(
    instance: dg.DagsterInstance, connection: psycopg2.extensions.connection
) -> None:
    """Between two looks an asset becomes stale, and a check fails; later both are well again."""
    reader = Reader()
    for tags, state in ({"broken": "1"}, FreshnessState.FAIL), ({}, FreshnessState.PASS):
        dg.materialize([orders], instance=instance, tags=tags)
        changed(instance, state)
        reader.look(connection)
        assert reader.freshness["shop/orders"].state == state.name
        assert time.time() - reader.freshness["shop/orders"].since < 60
        found = {check: each.has_failed for (asset, check), each in reader.checks.items() if asset == "shop/orders"}
        assert found == {"has_rows": bool(tags), "is_small": False}


def test_tick_is_read_again_until_it_has_ended(instance: dg.DagsterInstance, connection: psycopg2.extensions.connection) -> None:
    """A look may come in the middle of a tick. The failures in a row have begun with the first."""
    reader, now = Reader(), time.time()
    ticked(instance, TickStatus.SUCCESS, now - 900)
    reader.look(connection)
    assert reader.ticks["s1"].status == "SUCCESS"
    started = ticked(instance, TickStatus.STARTED, now - 600)
    reader.look(connection)
    assert reader.ticks["s1"].status == "SUCCESS"
    error = SerializableErrorInfo("KeyError: 'id'", [], "KeyError")
    instance.update_tick(started.with_status(TickStatus.FAILURE, error=error))
    ticked(instance, TickStatus.FAILURE, now - 300, "'name'")
    reader.look(connection)
    tick = reader.ticks["s1"]
    assert (tick.status, tick.error) == ("FAILURE", "KeyError: 'name'")
    assert [round(now - tick.at), round(now - tick.since)] == [300, 600]
    assert [each.status for each in reader.new_ticks] == ["FAILURE", "FAILURE"]


def test_damaged_rows_hide_no_others(instance: dg.DagsterInstance, connection: psycopg2.extensions.connection) -> None:
    """User code can write such events. The monitor must not take them for a database that is away."""
    reader, history = Reader(), History()
    history.look(connection)
    changed(instance, FreshnessState.WARN)
    ticked(instance, TickStatus.FAILURE, time.time(), "'id'")
    with instance.event_log_storage.index_connection() as owner:
        owner.exec_driver_sql(DAMAGED)
        owner.exec_driver_sql("UPDATE asset_check_executions SET evaluation_event = '{'")
    reader.look(connection)
    history.look(connection)
    assert reader.freshness["shop/orders"].state == "WARN"
    assert history.reasons == ["UNKNOWN"]


def test_monitor_cannot_write(connection: psycopg2.extensions.connection) -> None:
    """It has a way out to other hosts, so it may change nothing, whatever it is made to do."""
    for statement in ("DELETE FROM runs", "UPDATE runs SET status = 'FAILURE'", "INSERT INTO kvs (key) VALUES ('x')"):
        with connection, connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), connection, connection.cursor() as cursor:
            cursor.execute(statement)


def test_metrics_count_what_happened_since_the_first_look(
    instance: dg.DagsterInstance,
    connection: psycopg2.extensions.connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prometheus gets each run once, with its location, and the reason why it failed."""
    # The service has a volume there.
    monkeypatch.setattr(gauges, "disk", lambda: disk(tmp_path))
    reader, history, totals = Reader(), History(), Totals()
    reader.look(connection)
    history.look(connection)
    assert (history.ended, history.reasons) == ([], [])
    tags = {".dagster/repository": "__repository__@shop"}
    dg.materialize([orders], instance=instance, tags=tags)
    bake.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    under_way = instance.create_run_for_job(bake, tags=tags, status=dg.DagsterRunStatus.STARTED)
    ticked(instance, TickStatus.SUCCESS, time.time() - 7)
    for _ in range(2):
        reader.look(connection)
        history.look(connection)
        found = condition(reader)
        totals.count(found, history, reader.new_ticks)
    lines = scraped(totals, found, history)
    instance.delete_run(under_way.run_id)
    assert set(lines) >= METRICS
    materialized = [line for line in lines if line.startswith("dagster_asset_last_materialization_timestamp_seconds{")]
    assert [abs(float(line.split()[-1]) - time.time()) < 60 for line in materialized] == [True]
    assert not [line for line in lines if under_way.run_id in line]
