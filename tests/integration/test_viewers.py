"""A webserver started with --read-only changes nothing and runs no user code, whatever a client sends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from tests.integration.webserver import Webserver, webserver

pytestmark = pytest.mark.timeout(300)
CODE = """
import os, pathlib
import dagster as dg

def evaluated(context):
    pathlib.Path(os.environ["EVALUATED"]).write_text("yes")
    return dg.SkipReason("nothing to do")

@dg.asset
def odd():
    pass

job = dg.define_asset_job("odd_job", "*")
defs = dg.Definitions(
    assets=[odd], jobs=[job], sensors=[dg.SensorDefinition("look", evaluation_fn=evaluated, job=job)],
    schedules=[dg.ScheduleDefinition("daily", job=job, cron_schedule="@daily", execution_fn=evaluated)],
)
"""
WHERE = 'repositoryName: "__repository__", repositoryLocationName: "code"'
RUN = f'executionParams: {{selector: {{{WHERE}, jobName: "odd_job"}}, mode: "default"}}'
SCHEDULE = f'{{{WHERE}, scheduleName: "daily"}}'
SENSOR = f'{{{WHERE}, sensorName: "look"}}'
ASSET = 'assetKey: {path: ["odd"]}'
COMPONENT = 'locationName: "code", componentId: "x"'
# All mutations of Dagster. The fixture `ids` creates the run and the backfills that they name.
MUTATIONS = {
    "addDynamicPartition": f'(partitionsDefName: "x", partitionKey: "x", repositorySelector: {{{WHERE}}})',
    "cancelPartitionBackfill": '(backfillId: "kept")',
    "deleteAppManagedComponent": f"({COMPONENT})",
    "deleteConcurrencyLimit": '(concurrencyKey: "x")',
    "deleteDynamicPartitions": f'(partitionsDefName: "x", partitionKeys: ["x"], repositorySelector: {{{WHERE}}})',
    "deletePipelineRun": '(runId: "RUN_ID")',
    "deleteRun": '(runId: "RUN_ID")',
    "freeConcurrencySlots": '(runId: "RUN_ID")',
    "freeConcurrencySlotsForRun": '(runId: "RUN_ID")',
    "launchMultipleRuns": f"(executionParamsList: [{RUN.partition(': ')[2]}])",
    "launchPartitionBackfill": '(backfillParams: {assetSelection: [{path: ["odd"]}], partitionNames: ["x"]})',
    "launchPipelineExecution": f"({RUN})",
    "launchPipelineReexecution": f"({RUN})",
    "launchRun": f"({RUN})",
    "launchRunReexecution": f"({RUN})",
    "reexecutePartitionBackfill": '(reexecutionParams: {parentRunId: "ended", strategy: ALL_STEPS})',
    "refreshComponentState": '(locationName: "code", defsStateKey: "x")',
    "reloadRepositoryLocation": '(repositoryLocationName: "code")',
    "reloadWorkspace": "",
    "reportAssetCheckEvaluations": f'(eventParams: {{{ASSET}, checkName: "x", passed: true}})',
    "reportRunlessAssetEvents": f"(eventParams: {{eventType: ASSET_MATERIALIZATION, {ASSET}}})",
    "resetSchedule": f"(scheduleSelector: {SCHEDULE})",
    "resetSensor": f"(sensorSelector: {SENSOR})",
    "resumePartitionBackfill": '(backfillId: "kept")',
    "scheduleDryRun": f"(selectorData: {SCHEDULE}, timestamp: 1700000000)",
    "sensorDryRun": f'(selectorData: {SENSOR}, cursor: "1")',
    "setAppManagedComponent": f'({COMPONENT}, componentType: "x", attributes: "x")',
    "setAutoMaterializePaused": "(paused: true)",
    "setConcurrencyLimit": '(concurrencyKey: "x", limit: 1)',
    "setSensorCursor": f'(sensorSelector: {SENSOR}, cursor: "1")',
    "shutdownRepositoryLocation": '(repositoryLocationName: "code")',
    "startSchedule": f"(scheduleSelector: {SCHEDULE})",
    "startSensor": f"(sensorSelector: {SENSOR})",
    "stopRunningSchedule": '(id: "SCHEDULE_ID")',
    "stopSensor": '(id: "SENSOR_ID")',
    "terminatePipelineExecution": '(runId: "RUN_ID")',
    "terminateRun": '(runId: "RUN_ID")',
    "terminateRuns": '(runIds: ["RUN_ID"])',
    "wipeAssets": f"(assetPartitionRanges: [{{{ASSET}}}])",
}
# These change nothing: telemetry is off, and `setNuxSeen` records that its sender has seen a welcome.
HARMLESS = {"logTelemetry", "setNuxSeen"}
# Selections of the answers that have no type, or hold it deeper.
SELECTED = {
    **dict.fromkeys(("deleteConcurrencyLimit", "freeConcurrencySlots", "freeConcurrencySlotsForRun"), ""),
    **dict.fromkeys(("setAutoMaterializePaused", "setConcurrencyLimit"), ""),
    **dict.fromkeys(("terminatePipelineExecution", "terminateRun"), "{... on TerminateRunFailure {message}}"),
    "terminateRuns": "{... on TerminateRunsResult {terminateRunResults {... on TerminateRunFailure {message}}}}",
    "launchMultipleRuns": "{... on LaunchMultipleRunsResult {launchMultipleRunsResult {__typename}}}",
}
NO_RIGHT = re.compile("UnauthorizedError|You do not have permission to terminate this run")
RUN_ID = "00000000-0000-4000-8000-000000000009"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the path of a file that user code creates when Dagster evaluates the schedule or the sensor."""
    return tmp_path_factory.mktemp("viewers") / "evaluated"


@pytest.fixture(scope="module")
def viewers(environment: dict[str, str], evaluated: Path) -> Iterator[Webserver]:
    """Yields the webserver for viewers, with a code location."""
    folder = evaluated.parent
    (folder / "shipped.py").write_text(CODE)
    location = {"python_file": {"relative_path": str(folder / "shipped.py"), "location_name": "code"}}
    (folder / "workspace.yaml").write_text(json.dumps({"load_from": [location]}))
    with webserver(folder, {**environment, "EVALUATED": str(evaluated)}, "--read-only") as process:
        yield process


@pytest.fixture
def ids(viewers: Webserver, in_environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yields the ids of a run, a schedule and a sensor. Two backfills exist as well."""
    found = viewers.ask(
        f"{{schedulesOrError(repositorySelector: {{{WHERE}}}) {{... on Schedules {{results {{id}}}}}}"
        f" sensorsOrError(repositorySelector: {{{WHERE}}}) {{... on Sensors {{results {{id}}}}}}}}"
    )
    (schedule,), (sensor,) = found["schedulesOrError"]["results"], found["sensorsOrError"]["results"]
    with dg.DagsterInstance.get() as instance:
        instance.add_run(dg.DagsterRun(job_name="odd_job", run_id=RUN_ID))
        kept = PartitionBackfill("kept", BulkActionStatus.REQUESTED, False, {}, 1.0)
        instance.add_backfill(kept)
        instance.add_backfill(PartitionBackfill("ended", BulkActionStatus.COMPLETED_SUCCESS, False, {}, 1.0))
        yield {"RUN_ID": RUN_ID, "SCHEDULE_ID": schedule["id"], "SENSOR_ID": sensor["id"]}
        # Other tests share the database.
        instance.delete_run(RUN_ID)
        instance.update_backfill(kept.with_status(BulkActionStatus.CANCELED))


def test_viewers_webserver_rejects_every_mutation(viewers: Webserver, ids: dict[str, str], evaluated: Path) -> None:
    """Viewers may change nothing. The test sends every mutation of Dagster, because even a dry run would run user code."""
    fields = viewers.ask("{__schema {mutationType {fields {name}}}}")["__schema"]["mutationType"]["fields"]
    assert {field["name"] for field in fields} == set(MUTATIONS) | HARMLESS
    for name, arguments in MUTATIONS.items():
        given = re.sub("[A-Z]+_ID", lambda found: ids[found[0]], arguments)
        answer = viewers.answer(f"mutation {{{name}{given} {SELECTED.get(name, '{__typename}')}}}")
        assert NO_RIGHT.search(answer.text), answer.text
    assert not evaluated.exists()


def test_viewers_webserver_evaluates_no_schedule_for_a_query(viewers: Webserver, evaluated: Path) -> None:
    """Dagster runs the schedule's code to answer a query for a future tick."""
    tick = "evaluationResult {skipReason error {message}}"
    query = (
        f"{{scheduleOrError(scheduleSelector: {SCHEDULE}) {{... on Schedule {{futureTick(tickTimestamp: 1700000000) {{{tick}}}"
        f" futureTicks(limit: 1) {{results {{{tick}}}}}}}}}}}"
    )
    said = {"skipReason": None, "error": {"message": "Viewers can look: to evaluate a schedule or a sensor would run its code."}}
    found = viewers.ask(query)["scheduleOrError"]
    assert found == {"futureTick": {"evaluationResult": said}, "futureTicks": {"results": [{"evaluationResult": said}]}}
    assert not evaluated.exists()


@pytest.mark.parametrize("query", ["mutation {reloadWorkspace {__typename}}", "mutation {setNuxSeen}", "query {version}"])
def test_websocket_rejects_queries_and_mutations(viewers: Webserver, query: str) -> None:
    """The audit log does not see mutations through a websocket, so operators must not send them either."""
    name = re.split(r"\W+", query)[1]
    refused = next(viewers.followed(query))
    assert refused["message"] == f"The subscription field '{name}' is not defined."
