"""One schedule for each style; both run from the start."""

import dagster as dg

from user_code.defs.jobs.data_extraction import data_extraction_job
from user_code.defs.jobs.users_assets import users_assets_job
from user_code.settings import Settings


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The schedules with the cron lines and the time zone of the settings."""

    @dg.schedule(
        name="users_assets_schedule",
        job=users_assets_job,
        cron_schedule=settings.users_assets_cron,
        execution_timezone=settings.schedule_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Refreshes `raw_user_data` only; `freshness_sensor` carries new data on, and nothing where there is none.",
    )
    def users_assets_schedule() -> dg.RunRequest:
        return dg.RunRequest(asset_selection=[dg.AssetKey("raw_user_data")])

    data_extraction_schedule = dg.ScheduleDefinition(
        name="data_extraction_schedule",
        job=data_extraction_job,
        cron_schedule=settings.data_extraction_cron,
        execution_timezone=settings.schedule_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Runs the whole job, whether or not there is new data.",
    )
    return [users_assets_schedule, data_extraction_schedule]
