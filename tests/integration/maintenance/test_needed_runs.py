"""Runs that something still needs stay, with what is needed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from tests.integration.databases import asking
from tests.integration.maintenance.conftest import rows, swept

if TYPE_CHECKING:
    import psycopg2.extensions


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED", "CANCELING"])
def test_run_that_is_under_way_keeps_all_its_events(
    instance: dg.DagsterInstance, history: psycopg2.extensions.connection, migrated: dict[str, str], status: str
) -> None:
    """A run may wait for longer than the retention."""
    [run] = instance.get_runs(dg.RunsFilter(job_name="kneading"), limit=1)
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("UPDATE runs SET status = %s WHERE run_id = %s", (status, run.run_id))
    events = f"SELECT id FROM event_logs WHERE run_id = '{run.run_id}' ORDER BY id"
    asked = rows(history, events)
    assert len(asked) > 5
    swept(history)
    assert rows(history, events) == asked


@pytest.mark.parametrize("tag", ["dagster/root_run_id", "dagster/parent_run_id"])
def test_run_that_another_one_repeats_stays_until_that_is_gone(
    instance: dg.DagsterInstance, history: psycopg2.extensions.connection, migrated: dict[str, str], tag: str
) -> None:
    """Dagster cannot show a group of runs without its root, nor repeat a run whose ancestor is missing."""
    first, again = rows(history, "SELECT run_id FROM runs WHERE pipeline_name = 'kneading' ORDER BY id LIMIT 2")
    end = "UPDATE runs SET end_time = end_time + %s * 86400 WHERE run_id = %s"
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("INSERT INTO run_tags (run_id, key, value) VALUES (%s, %s, %s)", (again, tag, first))
        cursor.execute(end, (99, again))
    swept(history)
    assert instance.get_run_by_id(first) is not None
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute(end, (-99, again))
    swept(history)
    assert (instance.get_run_by_id(first), instance.get_run_by_id(again)) == (None, None)


def test_run_with_a_run_key_stays(
    instance: dg.DagsterInstance, history: psycopg2.extensions.connection, migrated: dict[str, str]
) -> None:
    """A sensor that asks for a run of each file would launch the old ones again."""
    (oldest,) = rows(history, "SELECT run_id FROM runs WHERE pipeline_name = 'kneading' ORDER BY id LIMIT 1")
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("INSERT INTO run_tags (run_id, key, value) VALUES (%s, 'dagster/run_key', 'file 1')", (oldest,))
    swept(history)
    assert instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": "file 1"}))[0].run_id == oldest


def test_failed_run_that_stays_can_be_repeated_from_failure(
    instance: dg.DagsterInstance, history: psycopg2.extensions.connection, migrated: dict[str, str]
) -> None:
    """Without the events of its steps, Dagster would repeat the successful ones too."""
    [newest] = instance.get_runs(dg.RunsFilter(job_name="kneading"), limit=1)
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("UPDATE runs SET status = 'FAILURE' WHERE run_id = %s", (newest.run_id,))
    swept(history)
    kinds = rows(history, f"SELECT dagster_event_type FROM event_logs WHERE run_id = '{newest.run_id}' ORDER BY id")
    assert kinds == ["STEP_START", "STEP_OUTPUT", "STEP_SUCCESS"]
