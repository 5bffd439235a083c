"""The tests of this folder share a history that real runs have made, 100 days ago."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from dagster_services.maintenance import snapshots
from dagster_services.maintenance.parts import Removed, sweep_all
from dagster_services.maintenance.sweeps import SWEEPS
from tests.integration.databases import asking, connected

if TYPE_CHECKING:
    import psycopg2.extensions

DAYS = timedelta(days=90)
LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])
GRID = dg.MultiPartitionsDefinition({"letter": LETTERS, "number": dg.StaticPartitionsDefinition(["1", "2"])})


@dg.asset(check_specs=[dg.AssetCheckSpec("is_warm", asset="bread")])
def bread() -> Iterator[Any]:
    """Has a check in the same step."""
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset(deps=[bread], code_version="1")
def toast() -> None:
    """Becomes stale when `bread` is newer."""


@dg.asset(partitions_def=LETTERS)
def letter() -> None:
    """Has three partitions."""


@dg.asset(partitions_def=GRID)
def cell() -> None:
    """Has six partitions in two dimensions."""


@dg.op
def knead() -> None:
    """Does nothing."""


@dg.job(partitions_def=LETTERS)
def kneading() -> None:
    """A job with partitions."""
    knead()


TABLES = (
    "asset_check_executions",
    "asset_daemon_asset_evaluations",
    "asset_event_tags",
    "asset_keys",
    "backfill_tags",
    "bulk_actions",
    "event_logs",
    "job_ticks",
    "pending_steps",
    # Rows of a table come after those that they refer to.
    "snapshots",
    "runs",
    "run_tags",
)
DEFINITIONS = dg.Definitions(assets=[bread, toast, letter, cell], jobs=[kneading])


@pytest.fixture(scope="package")
def instance(migrated: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Yields the instance, as Dagster's own processes open it."""
    kept = dict(os.environ)
    os.environ.update(migrated)
    with dg.DagsterInstance.get() as opened:
        yield opened
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="package")
def made(instance: dg.DagsterInstance, migrated: dict[str, str]) -> None:
    """Makes a history of 100 days ago, and keeps a copy of each table."""
    with asking(migrated, "postgres", "dagster") as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)}")
        make_history(instance)
        age(cursor, 100)
        cursor.execute("CREATE SCHEMA kept")
        for table in TABLES:
            cursor.execute(f"CREATE TABLE kept.{table} AS SELECT * FROM {table}")


@pytest.fixture
def history(made: None, migrated: dict[str, str]) -> Iterator[psycopg2.extensions.connection]:
    """Brings the history back, as it was made; yields a connection with the role of maintenance."""
    with asking(migrated, "postgres", "dagster") as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)}")
        for table in TABLES:
            cursor.execute(f"INSERT INTO {table} SELECT * FROM kept.{table}")
    with closing(connected(migrated, "dagster_maintenance", "dagster")) as connection:
        connection.autocommit = False
        yield connection


def make_history(instance: dg.DagsterInstance) -> None:
    """Materializes all assets twice, some partitions once more, and runs a job; `toast` is stale at the end."""
    for _ in range(2):
        assert dg.materialize([bread, toast], instance=instance).success
        for key in ("a", "b"):
            assert dg.materialize([letter], instance=instance, partition_key=key).success
        assert dg.materialize(
            [cell], instance=instance, partition_key=dg.MultiPartitionKey({"letter": "a", "number": "2"})
        ).success
        for key in ("a", "b"):
            assert kneading.execute_in_process(instance=instance, partition_key=key).success
    assert dg.materialize([bread], instance=instance).success
    instance.report_runless_asset_event(dg.AssetMaterialization("letter", partition="c"))


def age(cursor: psycopg2.extensions.cursor, days: int) -> None:
    """Lets all that is in the database have happened so many days earlier."""
    for table, columns in {
        "event_logs": ("timestamp",),
        "runs": ("create_timestamp", "update_timestamp"),
        "asset_check_executions": ("create_timestamp", "evaluation_event_timestamp"),
    }.items():
        changes = ", ".join(f"{column} = {column} - make_interval(days => {days})" for column in columns)
        cursor.execute(f"UPDATE {table} SET {changes}")
    cursor.execute(f"UPDATE runs SET start_time = start_time - {days * 86_400}, end_time = end_time - {days * 86_400}")


def rows(connection: psycopg2.extensions.connection, query: str) -> list[Any]:
    """The first column of a query's rows."""
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]


def before() -> datetime:
    """The moment up to which rows are old."""
    return datetime.now(UTC).replace(tzinfo=None) - DAYS


def swept(connection: psycopg2.extensions.connection, *, counts_only: bool = False) -> dict[str, Removed]:
    """Applies all rules of the database; returns what each has removed."""
    found = {sweep.table: sweep_all(connection, sweep, before(), counts_only=counts_only) for sweep in SWEEPS}
    return found | {"snapshots": snapshots.remove_unnamed(connection, counts_only=counts_only)}
