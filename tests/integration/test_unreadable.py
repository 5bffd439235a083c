"""Daemon, sensors and webserver continue after a run has written texts that Dagster cannot read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterEventType, RunStatusChangeRecordsFilter
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.dagster_run import RunsFilter
from dagster._serdes import serialize_value

from dagster_deployment.unreadable import EVENT, ORIGIN, event_or_note
from tests.integration.databases import asking
from tests.integration.webserver import Webserver

pytestmark = pytest.mark.timeout(300)
GARBAGE = (
    '{"__class__": "Nope"}',
    '{"__class__": "EventLogEntry"}',
    '{"__enum__": "no"}',
    "no JSON",
    "null",
    "",
    "[" * 50_000,
    # This text is a log line, but the column says that it is a failure.
    serialize_value(EventLogEntry(None, 20, "a line", "some run", 1.0)),
)
INSERT = 'INSERT INTO event_logs (run_id, event, dagster_event_type, asset_key, "timestamp") VALUES (%s, %s, %s, %s, now())'
ASSET = '["bread"]'


def delete_runs_and_events(migrated: dict[str, str]) -> None:
    """Deletes the runs and the events of all tests so far."""
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("TRUNCATE event_logs, asset_keys, asset_check_executions, runs CASCADE")


@pytest.fixture
def instance(migrated: dict[str, str], in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Yields the instance of webserver and daemon. Other tests share its database."""
    delete_runs_and_events(migrated)
    with dg.DagsterInstance.get() as instance:
        yield instance
    delete_runs_and_events(migrated)


def add_run_of_status(instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED) -> dg.DagsterRun:
    """Adds a run of that status, and returns it."""
    return instance.add_run(dg.DagsterRun(job_name="bake", status=status, remote_job_origin=ORIGIN))


def write_unreadable_events(migrated: dict[str, str], kind: DagsterEventType, run_id: str = "some run") -> None:
    """Writes each text of GARBAGE as an event of a kind, as a run can."""
    with asking(migrated, "dagster_run", "dagster") as cursor:
        for text in GARBAGE:
            cursor.execute(INSERT, (run_id, text, kind.value, ASSET))


def test_event_of_a_newer_dagster_keeps_its_time() -> None:
    """The page of the run must show the event at its place."""
    event = event_or_note(json.dumps({"__class__": "EventOfTomorrow", "timestamp": 17.5}))
    assert (event.message, event.timestamp) == (EVENT, 17.5)


def test_sensor_finds_a_failure_behind_unreadable_events(migrated: dict, instance: dg.DagsterInstance) -> None:
    """A page of two events is shorter than the unreadable ones. The cursor must still reach the failure."""
    write_unreadable_events(migrated, DagsterEventType.RUN_FAILURE)
    failed = add_run_of_status(instance)
    instance.report_run_failed(failed)
    write_unreadable_events(migrated, DagsterEventType.RUN_FAILURE)
    wanted = RunStatusChangeRecordsFilter(DagsterEventType.RUN_FAILURE)
    for ascending in (True, False):
        found = instance.fetch_run_status_changes(wanted, limit=2, ascending=ascending)
        assert [record.run_id for record in found.records] == [failed.run_id]
        assert not found.has_more
    later = add_run_of_status(instance)
    instance.report_run_failed(later)
    first = instance.fetch_run_status_changes(wanted, limit=1, ascending=True)
    assert first.has_more
    then = instance.fetch_run_status_changes(wanted, limit=1, ascending=True, cursor=first.cursor)
    assert [record.run_id for record in then.records] == [later.run_id]


def test_daemon_finds_a_failed_run_behind_unreadable_events(migrated: dict, instance: dg.DagsterInstance) -> None:
    """Dagster's own reader stopped for good before the first unreadable event, so the daemon retried no run."""
    write_unreadable_events(migrated, DagsterEventType.RUN_FAILURE)
    failed = add_run_of_status(instance)
    instance.report_run_failed(failed)
    found = instance.event_log_storage.get_logs_for_all_runs_by_log_id(-1, {DagsterEventType.RUN_FAILURE})
    assert len(found) == len(GARBAGE) + 1
    assert list(found.values())[-1].run_id == failed.run_id


STATS = """query($run: ID!) {runOrError(runId: $run) {... on Run {status stepStats {stepKey}
    eventConnection(limit: 100) {events {... on MessageEvent {message}}}}}}"""


def test_run_page_shows_readable_events_beside_unreadable_ones(
    migrated: dict, instance: dg.DagsterInstance, running: Webserver
) -> None:
    """A message replaces each unreadable event, so that the page still loads."""
    run = add_run_of_status(instance)
    write_unreadable_events(migrated, DagsterEventType.STEP_START, run.run_id)
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute(
            'INSERT INTO event_logs (run_id, event, dagster_event_type, step_key, "timestamp")'
            " VALUES (%s, 'x', 'STEP_START', 'knead', now())",
            (run.run_id,),
        )
    instance.report_engine_event("a true event", run)
    shown = running.ask(STATS, run=run.run_id)["runOrError"]
    said = [event["message"] for event in shown["eventConnection"]["events"]]
    assert said == [EVENT] * 7 + ["a line", EVENT, "a true event"]


RUNS = "{runsOrError {... on Runs {results {id jobName status}}}}"


@pytest.mark.parametrize("body", [text for text in GARBAGE if text])
def test_run_list_shows_all_runs_beside_an_unreadable_one(
    migrated: dict, instance: dg.DagsterInstance, running: Webserver, body: str
) -> None:
    """The UI lists the unreadable run without its job. The daemon must be able to fail it."""
    good, bad = add_run_of_status(instance), add_run_of_status(instance, dg.DagsterRunStatus.QUEUED)
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute("UPDATE runs SET run_body = %s WHERE run_id = %s", (body, bad.run_id))
    shown = {run["id"]: run for run in running.ask(RUNS)["runsOrError"]["results"]}
    assert (shown[good.run_id]["jobName"], shown[good.run_id]["status"]) == ("bake", "STARTED")
    assert (shown[bad.run_id]["jobName"], shown[bad.run_id]["status"]) == ("unreadable", "QUEUED")
    (queued,) = instance.get_run_records(RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    instance.report_run_failed(queued.dagster_run)
    mended = instance.get_run_by_id(bad.run_id)
    assert mended
    assert mended.status is dg.DagsterRunStatus.FAILURE


def test_run_list_shows_an_unknown_status_as_failure(migrated: dict, instance: dg.DagsterInstance, running: Webserver) -> None:
    """One unknown status must not hide the list of runs."""
    bad = add_run_of_status(instance)
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute("UPDATE runs SET status = 'DONE' WHERE run_id = %s", (bad.run_id,))
    (shown,) = running.ask(RUNS)["runsOrError"]["results"]
    assert shown == {"id": bad.run_id, "jobName": "unreadable", "status": "FAILURE"}


ASSETS = """{assetsOrError {... on AssetConnection {nodes {key {path} assetMaterializations(limit: 5) {runId}
    assetObservations {runId} latestMaterializationTimestamp: definition {id}}}}}"""


@pytest.mark.parametrize("text", GARBAGE)
def test_asset_list_shows_assets_with_unreadable_events(
    migrated: dict, instance: dg.DagsterInstance, running: Webserver, text: str
) -> None:
    """The UI omits an invalid key. It finds the last materialization among the events."""
    instance.report_runless_asset_event(dg.AssetMaterialization("bread"))
    instance.report_runless_asset_event(dg.AssetMaterialization("butter"))
    for kind in (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_OBSERVATION):
        write_unreadable_events(migrated, kind)
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute("INSERT INTO asset_keys (asset_key) VALUES ('[1]'), ('{'), (%s)", (text[:100] or " ",))
        cursor.execute("UPDATE asset_keys SET last_materialization = %s, cached_status_data = %s", (text, text))
    nodes = {tuple(node["key"]["path"]): node for node in running.ask(ASSETS)["assetsOrError"]["nodes"]}
    assert {("bread",), ("butter",)} <= nodes.keys()
    assert [len(nodes["bread",]["assetMaterializations"]), len(nodes["butter",]["assetMaterializations"])] == [1, 1]
    records = instance.get_asset_records([dg.AssetKey("bread"), dg.AssetKey("butter")])
    assert {record.asset_entry.asset_key.to_user_string() for record in records} == {"bread", "butter"}
    assert instance.get_latest_materialization_events([dg.AssetKey("butter")])[dg.AssetKey("butter")]


def test_instance_reads_checks_and_freshness_beside_unreadable_ones(migrated: dict, instance: dg.DagsterInstance) -> None:
    """A check with an unreadable result counts as not executed."""
    key = dg.AssetCheckKey(dg.AssetKey("bread"), "is_warm")
    write_unreadable_events(migrated, DagsterEventType.FRESHNESS_STATE_CHANGE)
    assert instance.event_log_storage.get_freshness_state_records([dg.AssetKey("bread"), dg.AssetKey("butter")]) == {}
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute(
            "INSERT INTO asset_check_executions (asset_key, check_name, run_id, execution_status, evaluation_event)"
            " VALUES (%s, 'is_warm', 'some run', 'DONE', 'x')",
            (ASSET,),
        )
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert (found.status.value, found.event) == ("PLANNED", None)
