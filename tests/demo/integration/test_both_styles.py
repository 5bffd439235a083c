"""Assets and jobs do the same work on the same data. Their rows are equal, and old data stays after a failure."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from tests.conftest import Source
from tests.demo.users import make_user
from user_code.defs.build import build_definitions
from user_code.settings import Settings
from user_code.tables import Table
from user_code.users.fetch import SourceError
from user_code.warehouse import Warehouse

USERS = ["raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary"]


@pytest.fixture
def instance(in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def warehouse(in_environment: dict[str, str]) -> Warehouse:
    return Warehouse("127.0.0.1", int(in_environment["WAREHOUSE_PORT"]), "warehouse", "warehouse")


def definitions(environ: dict[str, str], **changes: str) -> dg.Definitions:
    return build_definitions(Settings.from_environment({**environ, **changes}))


def execute(environ: dict[str, str], instance: dg.DagsterInstance, job: str, **changes: str) -> dg.ExecuteInProcessResult:
    found = definitions(environ, **changes).resolve_job_def(job)
    return found.execute_in_process(instance=instance, raise_on_error=False)


def control(environ: dict[str, str], **request: Any) -> None:
    body = json.dumps(request).encode()
    urllib.request.urlopen(urllib.request.Request(f"{environ['USERS_API_URL']}/control", body, method="PUT"), timeout=10).close()  # noqa: S310 - loopback


def data_extraction_job() -> dg.JobDefinition:
    """Returns the job as another process loads it."""
    return definitions(dict(os.environ)).resolve_job_def("data_extraction_job")


def failure(result: dg.ExecuteInProcessResult) -> str:
    data = next(event for event in result.all_events if event.is_step_failure).step_failure_data
    error = data.error.cause if data.error and data.error.cause else data.error
    return f"{error.cls_name}: {error.message}" if error else ""


def test_assets_and_job_write_equal_rows_and_files(
    in_environment: dict, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    """Users of either style must find equal rows in the warehouse, the CSV and the summary."""
    assert execute(in_environment, instance, "users_assets_job").success
    assert execute(in_environment, instance, "data_extraction_job").success
    by_assets = warehouse.read_frame(Table("assets", "transformed_user_data"))
    by_job = warehouse.read_frame(Table("jobs", "transformed_user_data"))
    pd.testing.assert_frame_equal(by_assets, by_job)
    assert by_assets["id"].tolist() == list(range(1, 11))
    exports = Path(in_environment["EXPORTS_DIR"])
    assert (exports / "user_data.csv").read_bytes() == (exports / "user_data_from_job.csv").read_bytes()
    summaries = [warehouse.read_json(Table(schema, "data_extraction_summary")) for schema in ("assets", "jobs")]
    assert summaries[0] == summaries[1]
    assert summaries[0]["users"] == 10


def test_assets_report_their_metadata(in_environment: dict, instance: dg.DagsterInstance) -> None:
    """The UI shows row counts, schema, preview, fetch time, hash and plot, each at its asset."""
    result = execute(in_environment, instance, "users_assets_job")
    events = {
        event.asset_key.to_user_string(): event.materialization.metadata for event in result.get_asset_materialization_events()
    }
    assert {name: set(metadata) for name, metadata in events.items()} == {
        "raw_user_data": {"dagster/row_count", "fetched_at", "payload_bytes", "payload_hash", "dagster/table_name"},
        "transformed_user_data": {"dagster/row_count", "dagster/column_schema", "preview", "dagster/table_name"},
        "user_data_csv": {"dagster/row_count", "path", "bytes"},
        "data_extraction_summary": {"summary", "plot", "dagster/table_name"},
    }
    assert events["transformed_user_data"]["dagster/row_count"].value == 10
    assert events["raw_user_data"]["dagster/table_name"].value == "assets.raw_user_data"
    assert len(events["transformed_user_data"]["preview"].records) == 5


def test_data_version_changes_only_with_the_payload(in_environment: dict, instance: dg.DagsterInstance) -> None:
    """Downstream assets must run after new data only."""

    def version() -> str:
        result = execute(in_environment, instance, "users_assets_job")
        event = next(e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey("raw_user_data"))
        return event.materialization.tags["dagster/data_version"]

    before, again = version(), version()
    control(in_environment, publish=True)
    assert (before == again, version() == before) == (True, False)


@pytest.mark.parametrize("job", ["users_assets_job", "data_extraction_job"])
def test_wrong_record_fails_the_run_and_keeps_the_old_data(
    in_environment: dict, instance: dg.DagsterInstance, warehouse: Warehouse, job: str
) -> None:
    """Readers keep the last correct data, and the operator reads the sentence in the run."""
    schema = "assets" if job == "users_assets_job" else "jobs"
    assert execute(in_environment, instance, job).success
    before = warehouse.read_frame(Table(schema, "transformed_user_data"))
    control(in_environment, behaviour="incomplete")
    try:
        result = execute(in_environment, instance, job)
    finally:
        control(in_environment, behaviour="ok")
    assert not result.success
    assert "gave an unusable record: number 10 (id 10) lacks the required field 'email'." in failure(result)
    assert SourceError.__name__ in failure(result)
    pd.testing.assert_frame_equal(warehouse.read_frame(Table(schema, "transformed_user_data")), before)


def test_empty_source_blocks_the_downstream_assets(
    in_environment: dict, instance: dg.DagsterInstance, warehouse: Warehouse, source: Source
) -> None:
    """The failed check must protect the table of users."""
    assert execute(in_environment, instance, "users_assets_job").success
    source.answer([])
    result = execute(in_environment, instance, "users_assets_job", USERS_API_URL=source.url)
    checks = {event.check_name: event.passed for event in result.get_asset_check_evaluations()}
    assert checks == {"raw_user_data_is_not_empty": False}
    assert warehouse.count(Table("assets", "transformed_user_data")) == 10


def test_reexecution_from_failure_reads_the_outputs_of_the_first_run(
    in_environment: dict, instance: dg.DagsterInstance, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job must ask the source once. The second run writes the file that the first could not."""
    source.answer([make_user(number) for number in (1, 2, 3)])
    blocked = tmp_path / "exports"
    blocked.write_text("a file where a folder is expected")
    monkeypatch.setenv("USERS_API_URL", source.url)
    monkeypatch.setenv("EXPORTS_DIR", str(blocked))
    # The job runs as in another process, because `execute_in_process` keeps outputs in memory instead of files.
    job = dg.reconstructable(data_extraction_job)
    with dg.execute_job(job, instance) as first:
        assert not first.success
    blocked.unlink()
    options = dg.ReexecutionOptions.from_failure(first.run_id, instance)
    with dg.execute_job(job, instance, reexecution_options=options) as second:
        assert second.success
        assert {event.step_key for event in second.all_events if event.is_step_success} == {"save_to_csv", "generate_summary"}
    assert source.requests == ["/users"]
    assert len((blocked / "user_data_from_job.csv").read_text().splitlines()) == 4


def test_both_styles_bake_the_same_cookies(in_environment: dict, instance: dg.DagsterInstance, warehouse: Warehouse) -> None:
    """The lesson compares both styles, so their results must be equal."""
    job = execute(in_environment, instance, "cookie_job")
    assert job.output_for_node("bake_cookies") == {"pieces": 18, "texture": "crisp", "peanuts": False}
    peanut_job = execute(in_environment, instance, "peanut_cookie_job")
    assert peanut_job.output_for_node("bake_cookies") == {"pieces": 21, "texture": "crisp", "peanuts": True}
    resolved = definitions(in_environment)
    selection = dg.AssetSelection.groups("cookies")
    baked = dg.Definitions.merge(resolved, dg.Definitions(jobs=[dg.define_asset_job("bake", selection)])).resolve_job_def("bake")
    assert baked.execute_in_process(instance=instance).success
    assert warehouse.read_json(Table("assets", "cookies")) == {"pieces": 18, "texture": "crisp", "peanuts": False}
    assert warehouse.read_json(Table("assets", "peanut_cookies")) == {"pieces": 21, "texture": "crisp", "peanuts": True}
