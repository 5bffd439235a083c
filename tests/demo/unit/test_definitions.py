"""The code location offers exactly these names, so that each change of a public name is a decision."""

import dagster as dg
import pytest

from user_code.definitions import defs
from user_code.defs.build import build_definitions
from user_code.settings import Settings, SettingsError

USERS = {"raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary"}
COOKIES = {
    "ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies",
    "peanuts", "peanut_cookie_dough", "peanut_cookies",
}  # fmt: skip

OTHERS = {"user_posts": "posts", "posts_by_city": "posts", "archived_tables": "maintenance"}


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    definitions = build_definitions(Settings())
    dg.Definitions.validate_loadable(definitions)
    return definitions.get_repository_def()


def edges(repository: dg.RepositoryDefinition) -> set[tuple[str, str]]:
    graph = repository.asset_graph
    return {
        (parent.to_user_string(), key.to_user_string())
        for key in graph.get_all_asset_keys()
        for parent in graph.get(key).parent_keys
    }


def test_entry_point_loads_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code server loads this entry point, and nothing needs to be set."""
    assert len(list(defs().resolve_all_asset_keys())) == len({*USERS, *COOKIES, *OTHERS})


def test_entry_point_rejects_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error must occur before the code server serves any definition."""
    monkeypatch.setenv("USERS_FRESHNESS_SECONDS", "1")
    with pytest.raises(SettingsError, match="USERS_FRESHNESS_SECONDS is set to '1'"):
        defs().resolve_all_asset_keys()


def test_code_location_has_these_jobs_schedules_and_sensors(repository: dg.RepositoryDefinition) -> None:
    """Schedules and sensors must run from the start, and each schedule must state its time zone."""
    names = {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert names == {
        "users_assets_job", "data_extraction_job", "cookie_job", "peanut_cookie_job", "posts_by_city_job",
        "posts_by_city_from_tables_job", "user_posts_job", "archive_tables_job",
    }  # fmt: skip
    schedules = {s.name: (s.job_name, s.cron_schedule, s.execution_timezone) for s in repository.schedule_defs}
    assert schedules == {
        "users_assets_schedule": ("users_assets_job", "*/5 * * * *", "UTC"),
        "data_extraction_schedule": ("data_extraction_job", "*/5 * * * *", "UTC"),
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {"freshness_sensor", "run_failure_sensor"}
    instigators = [*repository.schedule_defs, *repository.sensor_defs]
    assert {instigator.default_status.value for instigator in instigators} == {"RUNNING"}


def test_code_location_has_these_assets_and_dependencies(repository: dg.RepositoryDefinition) -> None:
    """The two briefs require these graphs."""
    assert edges(repository) == {
        ("raw_user_data", "transformed_user_data"),
        ("transformed_user_data", "user_data_csv"),
        ("transformed_user_data", "data_extraction_summary"),
        ("transformed_user_data", "posts_by_city"),
        ("user_posts", "posts_by_city"),
        ("ingredients", "wet_ingredients"),
        ("eggs", "wet_ingredients"),
        ("ingredients", "dry_ingredients"),
        ("wet_ingredients", "cookie_dough"),
        ("dry_ingredients", "cookie_dough"),
        ("cookie_dough", "cookies"),
        ("cookie_dough", "peanut_cookie_dough"),
        ("peanuts", "peanut_cookie_dough"),
        ("peanut_cookie_dough", "peanut_cookies"),
    }
    groups = {
        key.to_user_string(): repository.asset_graph.get(key).group_name for key in repository.asset_graph.get_all_asset_keys()
    }
    assert groups == dict.fromkeys(USERS, "users") | dict.fromkeys(COOKIES, "cookies") | OTHERS


def test_every_asset_has_a_description_an_owner_and_a_code_version(repository: dg.RepositoryDefinition) -> None:
    """The catalogue shows both. Without a code version, each materialization would make downstream assets stale."""
    for key in repository.asset_graph.get_all_asset_keys():
        node = repository.asset_graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.code_version == "1", key


def test_only_assets_that_read_a_source_have_a_freshness_policy(repository: dg.RepositoryDefinition) -> None:
    """A downstream asset is up to date as long as its inputs do not change."""
    graph = repository.asset_graph
    policies = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy}
    assert policies == {"raw_user_data", "eggs"}


def test_code_location_has_these_asset_checks(repository: dg.RepositoryDefinition) -> None:
    """Each check verifies one promise about the data. The first blocks the downstream assets."""
    checks = {f"{key.name}" for key in repository.asset_graph.asset_check_keys}
    assert checks == {"raw_user_data_is_not_empty", "transformed_user_data_keeps_every_user", "cookie_dough_is_not_overmixed"}


def test_data_extraction_job_connects_the_ops_of_the_brief(repository: dg.RepositoryDefinition) -> None:
    """The summary must wait for the file."""
    dependencies = repository.get_job("data_extraction_job").dependencies
    wired = {node.name: {d.node for d in inputs.values()} for node, inputs in dependencies.items()}
    assert wired == {
        "fetch_data_from_api": set(),
        "transform_data": {"fetch_data_from_api"},
        "save_to_csv": {"transform_data"},
        "generate_summary": {"transform_data", "save_to_csv"},
    }


def test_users_assets_schedule_requests_only_the_source_asset() -> None:
    """Downstream assets follow new data, not the clock."""
    schedule = build_definitions(Settings()).resolve_schedule_def("users_assets_schedule")
    with dg.build_schedule_context() as context:
        data = schedule.evaluate_tick(context)
    assert [[key.to_user_string() for key in request.asset_selection or ()] for request in data.run_requests or ()] == [
        ["raw_user_data"]
    ]
