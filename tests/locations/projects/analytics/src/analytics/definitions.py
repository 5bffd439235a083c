"""A dbt project, and a package of the shop's own, beside the package. The dbt project writes a DuckDB file."""

from pathlib import Path

import dagster as dg
from calendar_of_shop import SEASON
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

PROJECT = DbtProject(project_dir=Path(__file__).parents[2] / "dbt")
PROJECT.prepare_if_dev()


@dbt_assets(manifest=PROJECT.manifest_path)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()


@dg.op
def count_rows() -> int:
    import duckdb

    with duckdb.connect("data/warehouse.duckdb", read_only=True) as database:
        return database.execute("SELECT count(*) FROM revenue").fetchone()[0]


@dg.op
def fail_once(rows: int) -> None:
    before = Path("data/tried")
    tried = before.exists()
    before.touch()
    if not tried:
        raise dg.Failure("this fails once")
    assert rows == 2


@dg.job
def fragile_job() -> None:
    fail_once(count_rows())


@dg.op
def tick() -> int:
    return SEASON.months


@dg.job
def tick_job() -> None:
    tick()


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        assets=[models],
        jobs=[fragile_job, tick_job],
        schedules=[dg.ScheduleDefinition(name="every_minute", job=tick_job, cron_schedule="* * * * *")],
        resources={"dbt": DbtCliResource(project_dir=PROJECT)},
        # A process for each step would import dbt each time.
        executor=dg.in_process_executor,
    )
