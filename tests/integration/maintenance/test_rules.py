"""The service `maintenance` removes what nothing needs, and Dagster's answers stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.partition_status_cache import get_materialized_multipartitions

from dagster_services.maintenance.parts import Removed, next_rows, parts
from dagster_services.maintenance.sweeps import SWEEPS
from tests.integration.databases import asking
from tests.integration.maintenance.conftest import DEFINITIONS, GRID, age, before, bread, cell, letter, rows, swept, toast

if TYPE_CHECKING:
    import psycopg2.extensions


def everything(connection: psycopg2.extensions.connection) -> dict[str, list[Any]]:
    """The ids of all rows that retention may remove."""
    tables = [*(sweep.table for sweep in SWEEPS), "asset_event_tags", "run_tags", "snapshots"]
    return {table: rows(connection, f"SELECT id FROM {table} ORDER BY id") for table in tables}


def state(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagster says of the assets: newest events, data versions, partitions, checks, staleness, runs of partitions."""
    graph = DEFINITIONS.resolve_asset_graph()
    stale = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    single = [asset.key for asset in (bread, toast)]
    return {
        "newest": [instance.get_latest_materialization_event(asset.key) for asset in (bread, toast, letter, cell)],
        "runs": [record.asset_entry.last_run_id for record in instance.get_asset_records()],
        "versions": [stale.get_current_data_version(key) for key in single],
        "stale": {
            key.to_string(): (stale.get_status(key), [cause.reason for cause in stale.get_stale_causes(key)]) for key in single
        },
        "letters": instance.get_materialized_partitions(letter.key),
        "cells": set(get_materialized_multipartitions(instance, cell.key, GRID)),
        "by partition": instance.get_latest_storage_id_by_partition(letter.key, dg.DagsterEventType.ASSET_MATERIALIZATION),
        "tags": instance.event_log_storage.get_latest_tags_by_partition(
            cell.key, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/partition/letter"]
        ),
        "check": instance.event_log_storage.get_latest_asset_check_execution_by_key(list(bread.check_keys)),
        "job": [
            (each.partition, each.status)
            for each in instance.run_storage.get_run_partition_data(dg.RunsFilter(job_name="kneading"))
        ],
        "assets": sorted(key.to_string() for key in instance.all_asset_keys()),
    }


def test_answers_of_dagster_stay_the_same(instance: dg.DagsterInstance, history: psycopg2.extensions.connection) -> None:
    """A retention that lost the newest event of a partition would make Dagster materialize it again."""
    asked = state(instance)
    assert asked["stale"][toast.key.to_string()][0].name == "STALE"
    removed = swept(history)
    assert state(instance) == asked
    # Of five materializations of two assets each, and so on, only the newest of each partition is left.
    newest = "SELECT asset_key || coalesce(partition, '') FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    assert sorted(rows(history, newest)) == ['["bread"]', '["cell"]a|2', '["letter"]a', '["letter"]b', '["letter"]c', '["toast"]']
    assert removed["event_logs"].count > 100
    assert removed["event_logs"].bytes > 50_000
    # The first run of each kind; those of both assets, because the last one of `bread` came later, and the planned `toast` too.
    assert removed["runs"].count == 6


def test_operational_events_go_and_runs_that_assets_name_stay(
    instance: dg.DagsterInstance, history: psycopg2.extensions.connection
) -> None:
    """The page of an asset links to the run that made it, long after the run's own events are gone."""
    swept(history)
    kinds = set(rows(history, "SELECT dagster_event_type FROM event_logs"))
    assert kinds == {"ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED", "ASSET_CHECK_EVALUATION"}
    named = set(rows(history, "SELECT run_id FROM event_logs WHERE run_id <> ''"))
    assert named <= set(rows(history, "SELECT run_id FROM runs"))
    assert rows(history, "SELECT count(*) FROM runs WHERE pipeline_name = 'kneading'") == [2]


def test_young_history_is_not_touched(history: psycopg2.extensions.connection, migrated: dict[str, str]) -> None:
    """One day less than RETENTION_DAYS."""
    with asking(migrated, "dagster", "dagster") as cursor:
        age(cursor, -11)
    asked = everything(history)
    assert not any(removed.count for removed in swept(history).values())
    assert everything(history) == asked


def test_counting_changes_nothing_and_counts_what_removing_removes(history: psycopg2.extensions.connection) -> None:
    """The operator decides after `make maintenance DRY_RUN=1`."""
    asked = everything(history)
    counted = swept(history, counts_only=True)
    assert everything(history) == asked
    # Snapshots become unnamed only when their runs are gone.
    removed = swept(history)
    assert {name: counted[name] for name in counted if name != "snapshots"} == {
        name: removed[name] for name in removed if name != "snapshots"
    }


def test_interrupted_maintenance_and_the_next_one_have_the_same_result(
    history: psycopg2.extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host may lose power in the middle of the night."""
    monkeypatch.setattr("dagster_services.maintenance.parts.FIRST_ROWS", 40)
    kept = {table: set(ids) for table, ids in everything(history).items()}
    for sweep in SWEEPS:
        generator = parts(history, sweep, before(), counts_only=False)
        next(generator)
        generator.close()
    swept(history)
    half = everything(history)
    assert all(set(half[table]) <= kept[table] for table in kept)
    assert not any(removed.count for removed in swept(history).values())
    assert len(rows(history, "SELECT id FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'")) == 6


def test_ticks_of_removed_schedules_go(history: psycopg2.extensions.connection, migrated: dict[str, str]) -> None:
    """Dagster purges the ticks of schedules and sensors that exist."""
    with asking(migrated, "dagster", "dagster") as cursor:
        for days in (89, 91):
            cursor.execute(
                "INSERT INTO job_ticks (job_origin_id, status, type, timestamp, tick_body)"
                " VALUES ('o', 'SUCCESS', 'SENSOR', now() AT TIME ZONE 'utc' - make_interval(days => %s), 'x')",
                (days,),
            )
    assert swept(history)["job_ticks"] == Removed(1, 1)


def test_snapshots_that_no_run_names_go(history: psycopg2.extensions.connection, instance: dg.DagsterInstance) -> None:
    """Each version of the code leaves some."""
    swept(history)
    for run in instance.get_runs():
        assert instance.has_job_snapshot(run.job_snapshot_id)
        assert instance.run_storage.has_execution_plan_snapshot(run.execution_plan_snapshot_id)
    assert len(rows(history, "SELECT id FROM snapshots")) < 2 * len(instance.get_runs()) + 1
    assert swept(history)["snapshots"] == Removed()


@pytest.mark.parametrize(
    ("rows", "seconds", "then"), [(250, 0.01, 500), (4000, 0.01, 5000), (500, 0.04, 500), (500, 0.2, 250), (1, 9, 1)]
)
def test_size_of_a_part_follows_the_time_that_the_last_one_took(rows: int, seconds: float, then: int) -> None:
    """A part holds its locks for as long as it takes."""
    assert next_rows(rows, seconds) == then
