"""The demo runs in the deployment. Its users see it through GraphQL, in the warehouse and in its volumes."""

from __future__ import annotations

import time

import pytest

from dagster_api.client import ASSET_JOB
from dagster_api.runs import Run
from dagster_api.waiting import seen, wait_for
from tests.demo.stack.conftest import Demo
from tests.stack.runs import container_description

USERS = {"raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary"}
COOKIES = {
    "ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies",
    "peanuts", "peanut_cookie_dough", "peanut_cookies",
}  # fmt: skip
OTHERS = {"user_posts", "posts_by_city", "archived_tables"}
JOBS = {
    "users_assets_job", "data_extraction_job", "cookie_job", "peanut_cookie_job", "posts_by_city_job",
    "posts_by_city_from_tables_job", "user_posts_job", "archive_tables_job",
}  # fmt: skip
ROWS = "SELECT md5(string_agg(t::text, '|' ORDER BY id)), count(*) FROM {}.transformed_user_data t"
pytestmark = pytest.mark.timeout(700)


def exported_file(stack: Demo, name: str) -> str:
    """Returns the text of an exported file."""
    return stack.exec("user_code", "cat", f"/var/lib/dagster/exports/{name}")


def succeeded_run_of_schedule(stack: Demo, schedule: str) -> Run:
    """Returns a succeeded run of a schedule. Raises NotYetError until there is one."""
    runs = stack.client.runs(tags=[{"key": "dagster/schedule_name", "value": schedule}])
    succeeded = (run for run in runs if run.status == "SUCCESS")
    return seen(next(succeeded, None), f"runs {[run.status for run in runs]}")


def runs_of_freshness_sensor(stack: Demo, since: float) -> list[Run]:
    """Returns the runs that the freshness sensor has launched since a time, the oldest first."""
    runs = stack.client.runs(tags=[{"key": "dagster/sensor_name", "value": "freshness_sensor"}])
    return [run for run in reversed(runs) if run.created > since]


def test_code_location_has_exactly_the_expected_definitions(stack: Demo) -> None:
    """A missing asset, job, schedule or sensor would not be noticed otherwise."""
    repository = stack.client.repository()
    assert {"/".join(node["assetKey"]["path"]) for node in repository["assetNodes"]} == USERS | COOKIES | OTHERS
    jobs = {job["name"] for job in repository["jobs"]} - {ASSET_JOB}
    assert jobs == JOBS
    assert {s["name"] for s in repository["schedules"]} == {"users_assets_schedule", "data_extraction_schedule"}
    assert {s["name"] for s in repository["sensors"]} == {"freshness_sensor", "run_failure_sensor"}


def test_daemon_launches_scheduled_runs_of_both_styles(stack: Demo) -> None:
    """The schedule of the assets must refresh only the source. The schedule of the job must run the whole job."""
    stack.schedules(running=True)
    assets, job = (
        wait_for(f"a run of {schedule}", lambda schedule=schedule: succeeded_run_of_schedule(stack, schedule), seconds=240)
        for schedule in ("users_assets_schedule", "data_extraction_schedule")
    )
    assert (assets.job, assets.assets) == ("users_assets_job", ("raw_user_data",))
    assert set(stack.client.run(job.run_id).steps) == {"fetch_data_from_api", "transform_data", "save_to_csv", "generate_summary"}


def test_assets_and_jobs_write_identical_rows_and_files(still: Demo) -> None:
    """A comparison of the styles needs the same work. The runs fetch the data over HTTP."""
    still.succeeds("users_assets_job")
    still.succeeds("data_extraction_job")
    assert still.warehouse(ROWS.format("assets")) == still.warehouse(ROWS.format("jobs"))
    assert still.warehouse(ROWS.format("assets"))[0].endswith("|10")
    csv = exported_file(still, "user_data.csv")
    assert csv == exported_file(still, "user_data_from_job.csv")
    assert len(csv.splitlines()) == 11


def test_freshness_sensor_refreshes_only_the_source_if_its_data_is_unchanged(watched: Demo) -> None:
    """The schedule is stopped, so the sensor must notice the stale source. Unchanged data must cause no work downstream."""
    start = watched.succeeds("users_assets_job").created

    def status() -> str | None:
        return watched.client.freshness("raw_user_data")

    (refresh, *_) = wait_for(
        "a refresh by freshness_sensor", lambda: seen(runs_of_freshness_sensor(watched, start) or None, status()), seconds=200
    )
    assert refresh.assets == ("raw_user_data",)
    assert watched.client.wait(refresh.run_id).status == "SUCCESS"
    wait_for("freshness seen again", lambda: seen(status() == "HEALTHY", status()), seconds=90)
    assert [run.assets for run in runs_of_freshness_sensor(watched, start)] == [("raw_user_data",)]


def test_freshness_sensor_materializes_all_assets_downstream_of_new_data(watched: Demo) -> None:
    """The source publishes data while the schedule is stopped. The next refresh must update the whole group `users`."""
    before, start = watched.warehouse(ROWS.format("assets")), time.time()
    watched.control(publish=True)
    watched.succeeds("users_assets_job", assets=("raw_user_data",))
    touched: set[str] = set()

    def materialized() -> bool:
        runs = runs_of_freshness_sensor(watched, start)
        touched.update(asset for run in runs for asset in run.assets if run.status == "SUCCESS")
        described = [(run.status, run.assets, watched.client.errors(run.run_id)) for run in runs]
        return seen(touched >= USERS - {"raw_user_data"}, described)

    wait_for("the new data downstream", materialized, seconds=120)
    assert touched <= USERS
    assert watched.warehouse(ROWS.format("assets")) != before


def test_failing_source_fails_the_run_with_a_reason_and_keeps_the_old_data(still: Demo) -> None:
    """Both styles must protect the old data. The run-failure sensor must also report the failure."""
    before = [still.warehouse(ROWS.format(schema)) for schema in ("assets", "jobs")]
    still.control(behaviour="incomplete")
    for job in ("users_assets_job", "data_extraction_job"):
        ended = still.client.wait(still.client.launch(job))
        assert ended.status == "FAILURE"
        assert "gave an unusable record: number 10 (id 10) lacks the required field 'email'." in still.client.errors(ended.run_id)
    still.control(behaviour="ok")
    assert [still.warehouse(ROWS.format(schema)) for schema in ("assets", "jobs")] == before
    said = "failed; nobody is told: ALERT_URLS_FILE holds no address"

    def told() -> bool:
        log = still.client.sensor_log("run_failure_sensor")
        return seen(said in log, log)

    wait_for("the run-failure sensor", told, seconds=60)


def test_run_processes_a_hundred_thousand_users_within_its_memory_limit(still: Demo) -> None:
    """The kernel would kill a run that needs more memory. `make bench` measures the time."""
    still.control(rows=100_000)
    try:
        ended = still.succeeds("users_assets_job")
        assert still.warehouse(ROWS.format("assets"))[0].endswith("|100000")
        assert container_description(ended)["State"]["OOMKilled"] is False
    finally:
        still.control(rows=10)
        still.succeeds("users_assets_job")


def test_user_code_reaches_the_source_and_the_source_joins_only_networks_of_runs(stack: Demo) -> None:
    """The source stands for a foreign system, so it must not reach the deployment's services."""
    networks = stack.compose("ps", "--format", "{{.Networks}}", "users_api").strip().split(",")
    assert sorted(networks) == [f"{stack.project}_runs", f"{stack.project}_runs_egress"]
    stack.exec("user_code", "python", "-c", "import urllib.request as u; u.urlopen('http://users_api:8080/users')")
