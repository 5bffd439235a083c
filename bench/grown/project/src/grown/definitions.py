"""A generated graph: layers of assets that Dagster materializes when their upstream assets have changed."""

import os

import dagster as dg

WIDTH = 50
# Each asset has three upstream assets: its neighbours in the layer above.
NEIGHBOURS = (0, 1, 7)
PER_JOB = 50
# Dagster evaluates at most 500 assets of a sensor in the code server: `MAX_ENTITIES`, dagster 1.13.27.
PER_SENSOR = 500


def key(layer: int, place: int) -> dg.AssetKey:
    """The key of the asset at a place of a layer."""
    return dg.AssetKey(f"a{layer:02}_{place % WIDTH:02}")


def made(number: int) -> dg.AssetsDefinition:
    """The asset with this number."""
    layer, place = divmod(number, WIDTH)
    upstream = [key(layer - 1, place + step) for step in NEIGHBOURS] if layer else []

    @dg.asset(
        key=key(layer, place),
        deps=upstream,
        group_name=f"layer_{layer:02}",
        automation_condition=dg.AutomationCondition.eager(),
        tags={"domain": f"d{place % 5}"},
        kinds={"python"},
    )
    def generated() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"rows": number})

    return generated


def sensors(assets: list[dg.AssetsDefinition], evaluated_by: str) -> list[dg.SensorDefinition]:
    """One sensor for the daemon, or as many as the code server needs: Dagster allows one for each asset."""
    if evaluated_by == "daemon":
        return [dg.AutomationConditionSensorDefinition("automation", target=assets)]
    parts = [assets[first : first + PER_SENSOR] for first in range(0, len(assets), PER_SENSOR)]
    return [
        dg.AutomationConditionSensorDefinition(f"automation_{number}", target=part, use_user_code_server=True)
        for number, part in enumerate(parts)
    ]


@dg.asset(group_name="measured")
def flour() -> int:
    """The first of two assets that the bench materializes: nothing else depends on them."""
    return 500


@dg.asset(group_name="measured")
def bread(flour: int) -> int:
    """The second one."""
    return flour // 2


@dg.definitions
def defs() -> dg.Definitions:
    """The graph, a job for each part of it, and a schedule for each job."""
    assets = [made(number) for number in range(int(os.environ["GROWN_ASSETS"]))]
    parts = [assets[first : first + PER_JOB] for first in range(0, len(assets), PER_JOB)]
    jobs = [
        dg.define_asset_job(f"layer_{number:02}_job", [each.key for each in part], executor_def=dg.in_process_executor)
        for number, part in enumerate(parts)
    ]
    schedules = [dg.ScheduleDefinition(job=job, cron_schedule=f"{number} 3 * * *") for number, job in enumerate(jobs)]
    evaluating = sensors(assets, os.environ["GROWN_EVALUATED_BY"])
    measured = dg.define_asset_job("bread_job", [flour, bread], executor_def=dg.in_process_executor)
    return dg.Definitions(assets=[*assets, flour, bread], jobs=[*jobs, measured], schedules=schedules, sensors=evaluating)
