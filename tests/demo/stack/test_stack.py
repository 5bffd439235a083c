"""The demo in the deployment, as its users meet it: through GraphQL, in the warehouse, in its volumes."""

from __future__ import annotations

import pytest

from dagster_api.client import ASSET_JOB
from dagster_api.runs import Run
from dagster_api.waiting import seen, wait_for
from tests.demo.stack.conftest import Demo
from tests.stack.runs import container

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


def exported(stack: Demo, name: str) -> str:
    return stack.compose("exec", "-T", "user_code", "cat", f"/var/lib/dagster/exports/{name}")


def scheduled(stack: Demo, schedule: str) -> Run:
    runs = stack.client.runs(tags=[{"key": "dagster/schedule_name", "value": schedule}])
    succeeded = (run for run in runs if run.status == "SUCCESS")
    return seen(next(succeeded, None), f"runs {[run.status for run in runs]}")


def by_sensor(stack: Demo, since: float) -> list[Run]:
    runs = stack.client.runs(tags=[{"key": "dagster/sensor_name", "value": "freshness_sensor"}])
    return [run for run in reversed(runs) if run.created > since]


def test_the_location_offers_exactly_this(stack: Demo) -> None:
    """Assets, jobs, schedules and sensors; the last two are switched on."""
    repository = stack.client.repository()
    assert {"/".join(node["assetKey"]["path"]) for node in repository["assetNodes"]} == USERS | COOKIES | OTHERS
    jobs = {job["name"] for job in repository["jobs"]} - {ASSET_JOB}
    assert jobs == JOBS
    assert {s["name"] for s in repository["schedules"]} == {"users_assets_schedule", "data_extraction_schedule"}
    assert {s["name"] for s in repository["sensors"]} == {"freshness_sensor", "run_failure_sensor"}


def test_scheduled_runs_of_both_styles_appear_by_themselves(stack: Demo) -> None:
    """The daemon ticks: the assets' schedule refreshes the source only, the job's runs the whole job."""
    stack.schedules(running=True)
    assets, job = (
        wait_for(f"a run of {schedule}", lambda schedule=schedule: scheduled(stack, schedule), seconds=240)
        for schedule in ("users_assets_schedule", "data_extraction_schedule")
    )
    assert (assets.job, assets.assets) == ("users_assets_job", ("raw_user_data",))
    assert set(stack.client.run(job.run_id).steps) == {"fetch_data_from_api", "transform_data", "save_to_csv", "generate_summary"}


def test_both_styles_give_identical_rows_and_files(still: Demo) -> None:
    """In containers, on data fetched over HTTP."""
    still.succeeds("users_assets_job")
    still.succeeds("data_extraction_job")
    assert still.warehouse(ROWS.format("assets")) == still.warehouse(ROWS.format("jobs"))
    assert still.warehouse(ROWS.format("assets"))[0].endswith("|10")
    csv = exported(still, "user_data.csv")
    assert csv == exported(still, "user_data_from_job.csv")
    assert len(csv.splitlines()) == 11


def test_a_stale_source_is_refreshed_alone_while_its_data_is_unchanged(still: Demo) -> None:
    """With the schedule off `freshness_sensor` notices, refreshes `raw_user_data` once, and nothing downstream."""
    start = still.succeeds("users_assets_job").created

    def status() -> str | None:
        return still.client.freshness("raw_user_data")

    (refresh, *_) = wait_for(
        "a refresh by freshness_sensor", lambda: seen(by_sensor(still, start) or None, status()), seconds=200
    )
    assert refresh.assets == ("raw_user_data",)
    assert still.client.wait(refresh.run_id).status == "SUCCESS"
    wait_for("freshness seen again", lambda: seen(status() == "HEALTHY", status()), seconds=90)
    assert [run.assets for run in by_sensor(still, start)] == [("raw_user_data",)]


def test_new_data_is_carried_on_to_what_it_touches(still: Demo) -> None:
    """The source publishes while the schedule is off: the next refresh brings it, and all of `users` follows."""
    before = still.warehouse(ROWS.format("assets"))
    still.control(publish=True)
    start = still.succeeds("users_assets_job", assets=("raw_user_data",)).created
    touched: set[str] = set()

    def carried_on() -> bool:
        touched.update(asset for run in by_sensor(still, start) for asset in run.assets if run.status == "SUCCESS")
        return seen(touched >= USERS - {"raw_user_data"}, touched)

    wait_for("the new data downstream", carried_on, seconds=120)
    assert touched <= USERS
    assert still.warehouse(ROWS.format("assets")) != before


def test_a_failing_source_fails_the_run_with_the_sentence_and_the_old_data_stays(still: Demo) -> None:
    """In both styles; the failure reaches the run-failure sensor."""
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


def test_a_hundred_thousand_users_fit_into_one_run(still: Demo) -> None:
    """Within the memory limit of a run; the time is for `make bench`."""
    still.control(rows=100_000)
    try:
        ended = still.succeeds("users_assets_job")
        assert still.warehouse(ROWS.format("assets"))[0].endswith("|100000")
        assert container(ended)["State"]["OOMKilled"] is False
    finally:
        still.control(rows=10)
        still.succeeds("users_assets_job")


def test_user_code_reaches_the_source_system_and_the_source_reaches_nothing(stack: Demo) -> None:
    """It is in the zones of runs only."""
    networks = stack.compose("ps", "--format", "{{.Networks}}", "users_api").strip().split(",")
    assert sorted(networks) == [f"{stack.project}_runs", f"{stack.project}_runs_egress"]
    stack.compose(
        "exec", "-T", "user_code", "python", "-c", "import urllib.request as u; u.urlopen('http://users_api:8080/users')"
    )
