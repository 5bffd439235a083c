"""These jobs name no I/O manager, and use keys that look like paths. Runs import this separate module by name."""

from collections.abc import Iterator

import dagster as dg

REGIONS = dg.StaticPartitionsDefinition(["eu", "eu/de", "EU"])
GRID = dg.MultiPartitionsDefinition(
    {"day": dg.StaticPartitionsDefinition(["a", "a/b"]), "place": dg.StaticPartitionsDefinition(["b/c", "c"])}
)


@dg.asset(partitions_def=REGIONS)
def orders(context: dg.AssetExecutionContext) -> str:
    return context.partition_key


@dg.asset(partitions_def=REGIONS)
def copies(orders: str) -> str:
    return orders


@dg.asset
def collected(orders: dict[str, str]) -> dict[str, str]:
    return orders


@dg.asset(partitions_def=GRID)
def grid(context: dg.AssetExecutionContext) -> str:
    return str(context.partition_key)


@dg.asset
def all_of_grid(grid: dict[str, str]) -> dict[str, str]:
    return {str(key): value for key, value in grid.items()}


@dg.op(out=dg.DynamicOut())
def several() -> Iterator[dg.DynamicOutput[int]]:
    for number in range(3):
        yield dg.DynamicOutput(number, mapping_key=f"m_{number}")


@dg.op(config_schema={"fails": bool})
def added(context: dg.OpExecutionContext, numbers: list[int]) -> int:
    if context.op_config["fails"]:
        raise dg.Failure("as asked")
    return sum(numbers)


@dg.op
def doubled(number: int) -> int:
    return number * 2


@dg.job(executor_def=dg.in_process_executor)
def fan_out() -> None:
    added(several().map(doubled).collect())


DEFINITIONS = dg.Definitions(
    assets=[orders, copies, collected, grid, all_of_grid],
    jobs=[
        dg.define_asset_job("regions_job", [orders, copies]),
        dg.define_asset_job("grid_job", [grid]),
        dg.define_asset_job("collect_job", [collected, all_of_grid]),
        fan_out,
    ],
    executor=dg.in_process_executor,
)


def job(name: str) -> dg.JobDefinition:
    """Returns a job of this module by name."""
    return DEFINITIONS.resolve_job_def(name)
