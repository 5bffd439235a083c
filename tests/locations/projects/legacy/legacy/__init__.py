"""Definitions as older projects write them: partitions, a sensor with a cursor, dynamic ops with the default executor."""

from pathlib import Path

from dagster import (
    AssetSelection,
    Definitions,
    DynamicOut,
    DynamicOutput,
    RunRequest,
    ScheduleDefinition,
    SensorEvaluationContext,
    SensorResult,
    StaticPartitionsDefinition,
    asset,
    define_asset_job,
    job,
    load_assets_from_current_module,
    op,
    sensor,
)

REGIONS = StaticPartitionsDefinition(["eu", "us"])


@asset(partitions_def=REGIONS)
def shipments(context) -> None:
    import duckdb

    with duckdb.connect(f"data/{context.partition_key}.duckdb") as database:
        database.execute("CREATE OR REPLACE TABLE shipments AS SELECT 1 AS id")


@op(out=DynamicOut())
def parts():
    for number in range(2):
        yield DynamicOutput(number, mapping_key=str(number))


@op
def pack(number: int) -> int:
    return number + 1


@op
def ship(packed: list[int]) -> None:
    before = Path("data/tried")
    tried = before.exists()
    before.touch()
    if not tried:
        raise RuntimeError("this fails once")
    assert sum(packed) == 3


@job
def fragile_job():
    ship(parts().map(pack).collect())


@op
def tick():
    pass


@job
def tick_job():
    tick()


shipments_job = define_asset_job("shipments_job", AssetSelection.all(), partitions_def=REGIONS)


@sensor(job=shipments_job, minimum_interval_seconds=5)
def new_regions(context: SensorEvaluationContext) -> SensorResult:
    place = int(context.cursor or 0)
    wanted = REGIONS.get_partition_keys()[place : place + 1]
    return SensorResult([RunRequest(run_key=key, partition_key=key) for key in wanted], cursor=str(place + len(wanted)))


defs = Definitions(
    assets=load_assets_from_current_module(),
    jobs=[fragile_job, tick_job, shipments_job],
    sensors=[new_regions],
    schedules=[ScheduleDefinition(name="every_minute", job=tick_job, cron_schedule="* * * * *")],
)
