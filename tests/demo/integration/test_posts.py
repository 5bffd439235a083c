"""Users are joined with their posts by a partitioned asset and by jobs. Other jobs do one-off work on the warehouse."""

from __future__ import annotations

import dagster as dg
import pandas as pd
import psycopg2
import pytest
import sqlalchemy as sa

from tests.conftest import Source
from tests.demo.integration.test_both_styles import control, definitions, execute, failure
from tests.demo.users import make_user
from user_code.defs.io_managers import ASSETS_SCHEMA
from user_code.tables import Rows, Table, WarehouseError
from user_code.warehouse import Warehouse

POSTS = Table(ASSETS_SCHEMA, "user_posts")


@pytest.fixture
def backfilled(in_environment: dict[str, str], dagster_instance: dg.DagsterInstance) -> dict[str, str]:
    """Returns the environment after one run has materialized all ten partitions of `user_posts`, as a backfill does."""
    assert partitions(in_environment, dagster_instance, "1", "10").success
    return in_environment


@pytest.fixture
def dagster_instance(in_environment: dict[str, str]):
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def warehouse(in_environment: dict[str, str]) -> Warehouse:
    return Warehouse("127.0.0.1", int(in_environment["WAREHOUSE_PORT"]), "warehouse", "warehouse")


def partitions(environ: dict[str, str], instance: dg.DagsterInstance, first: str, last: str) -> dg.ExecuteInProcessResult:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    job = definitions(environ).resolve_implicit_job_def_def_for_assets([dg.AssetKey("user_posts")])
    assert job
    return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False, asset_selection=[dg.AssetKey("user_posts")])


def test_partition_replaces_only_its_own_rows(
    backfilled: dict[str, str], dagster_instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    """Each of ten users has ten posts, and must keep ten after a second materialization."""
    before = warehouse.read_frame(POSTS)
    assert before.groupby("user_id").size().to_dict() == dict.fromkeys(range(1, 11), 10)
    with warehouse.transaction() as connection:
        connection.execute(sa.text("UPDATE assets.user_posts SET title = 'wrong' WHERE user_id IN (3, 4)"))
    assert partitions(backfilled, dagster_instance, "3", "3").success
    wrong = warehouse.read_frame(POSTS).query("title == 'wrong'")
    assert set(wrong["user_id"]) == {4}
    assert partitions(backfilled, dagster_instance, "4", "4").success
    after = warehouse.read_frame(POSTS).sort_values("post_id", ignore_index=True)
    pd.testing.assert_frame_equal(after, before.sort_values("post_id", ignore_index=True))


def test_replace_rows_keeps_the_old_rows_after_a_failed_write(backfilled: dict[str, str], warehouse: Warehouse) -> None:
    """One transaction holds the whole write, so a reader never misses rows."""
    before = warehouse.read_frame(POSTS)
    frame = before.head(2).assign(words="many")
    with pytest.raises(psycopg2.DataError):
        warehouse.replace_rows(POSTS, frame, Rows("user_id", ("1",)))
    pd.testing.assert_frame_equal(warehouse.read_frame(POSTS), before)


def test_all_styles_count_the_same_posts_by_city(
    backfilled: dict[str, str], dagster_instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    """The styles read existing assets, the source, and tables of other jobs. Their results must be equal."""
    for job in ("users_assets_job", "data_extraction_job", "posts_by_city_job"):
        assert execute(backfilled, dagster_instance, job).success
    again = warehouse.read_frame(Table("jobs", "posts_by_city"))
    job = definitions(backfilled).resolve_job_def("user_posts_job")
    for key in range(1, 11):
        assert job.execute_in_process(instance=dagster_instance, partition_key=str(key)).success
    assert execute(backfilled, dagster_instance, "posts_by_city_from_tables_job").success
    from_tables = warehouse.read_frame(Table("jobs", "posts_by_city"))
    asset = definitions(backfilled).resolve_implicit_job_def_def_for_assets([dg.AssetKey("posts_by_city")])
    assert asset
    assert asset.execute_in_process(instance=dagster_instance, asset_selection=[dg.AssetKey("posts_by_city")]).success
    from_assets = warehouse.read_frame(Table("assets", "posts_by_city"))
    pd.testing.assert_frame_equal(again, from_tables)
    pd.testing.assert_frame_equal(again, from_assets)
    assert (again["users"].sum(), again["posts"].sum()) == (10, 100)


def test_invalid_posts_fail_the_run_with_a_sentence_that_names_their_source(
    in_environment: dict[str, str], dagster_instance: dg.DagsterInstance, source: Source
) -> None:
    """The operator must see which URL sent them."""
    source.answer([make_user(1)])
    result = execute(in_environment, dagster_instance, "posts_by_city_job", USERS_API_URL=source.url)
    assert "/posts?userId=1 did not answer with a list of posts: KeyError('userId')." in failure(result)


def test_transform_names_a_record_whose_coordinate_is_not_a_number(
    in_environment: dict[str, str], dagster_instance: dg.DagsterInstance
) -> None:
    """The record has all fields, so the fetch accepts it."""
    control(in_environment, behaviour="invalid")
    try:
        result = execute(in_environment, dagster_instance, "data_extraction_job")
    finally:
        control(in_environment, behaviour="ok")
    assert "UserRecordError: The user with id 10 has 'north' in 'address.geo.lat', which is not a number." in failure(result)
    assert [event.step_key for event in result.all_events if event.is_step_failure] == ["transform_data"]


@pytest.mark.parametrize("job", ["archive_tables_job", "archived_tables"])
def test_archive_moves_a_table_and_loses_no_row(
    in_environment: dict[str, str], dagster_instance: dg.DagsterInstance, warehouse: Warehouse, job: str
) -> None:
    """The job and the asset must both keep every row."""
    table = Table("jobs", f"retired_by_{job}")
    warehouse.replace_frame(table, pd.DataFrame({"a": [1, 2]}))
    config = {"config": {"tables": [str(table)]}}
    found = definitions(in_environment)
    if job.endswith("_job"):
        moved, ops = found.resolve_job_def(job), {"move_to_archive": config}
    else:
        moved, ops = found.resolve_implicit_job_def_def_for_assets([dg.AssetKey(job)]), {job: config}
    assert moved
    selection = None if job.endswith("_job") else [dg.AssetKey(job)]
    run = moved.execute_in_process(instance=dagster_instance, run_config={"ops": ops}, asset_selection=selection)
    assert run.success
    assert warehouse.count(Table("archive", table.name)) == 2
    with pytest.raises(WarehouseError):
        warehouse.count(table)


def test_move_moves_no_table_if_one_is_missing(warehouse: Warehouse) -> None:
    """A failed request must leave the other tables in their schema."""
    table = Table("jobs", "retired_with_another")
    warehouse.replace_frame(table, pd.DataFrame({"a": [1, 2]}))
    with pytest.raises(WarehouseError, match=r"The warehouse has no table jobs\.nowhere"):
        warehouse.move([table, Table("jobs", "nowhere")], "archive")
    assert warehouse.count(table) == 2


@pytest.mark.parametrize("text", ["users", ".users", "jobs.", ""])
def test_table_rejects_a_name_without_schema(text: str) -> None:
    """A name without its schema could mean several tables."""
    with pytest.raises(WarehouseError, match=f"'{text}' does not name a table: write schema.table."):
        Table.named(text)
    assert Table.named("jobs.users.old") == Table("jobs", "users.old")
