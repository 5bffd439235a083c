"""Combines the definitions with the settings. Only this module decides configurable values, and nothing decides at import."""

from datetime import timedelta

import dagster as dg

from user_code.cookies.recipe import EGGS_KEEP_DAYS
from user_code.defs import maintenance, schedules, sensors
from user_code.defs.assets import cookies, posts, users
from user_code.defs.jobs.cookies import cookie_job, peanut_cookie_job
from user_code.defs.jobs.data_extraction import data_extraction_job
from user_code.defs.jobs.posts import posts_by_city_from_tables_job, posts_by_city_job, user_posts_job
from user_code.defs.jobs.users_assets import users_assets_job
from user_code.defs.resources import build_resources
from user_code.settings import Settings

ASSETS = (*users.ASSETS, *cookies.ASSETS, *posts.ASSETS, *maintenance.ASSETS)
JOBS = (
    users_assets_job,
    data_extraction_job,
    cookie_job,
    peanut_cookie_job,
    posts_by_city_job,
    posts_by_city_from_tables_job,
    user_posts_job,
    maintenance.archive_tables_job,
)


def build_definitions(settings: Settings) -> dg.Definitions:
    """All definitions of this code location. The function opens no connection."""
    return dg.Definitions(
        assets=with_freshness(settings),
        jobs=JOBS,
        asset_checks=cookies.CHECKS,
        schedules=schedules.build_schedules(settings),
        sensors=[sensors.freshness_sensor, sensors.build_run_failure_sensor(settings.alert_urls_file)],
        resources=build_resources(settings),
        # A run has its own container: a process per step would isolate nothing and cost a second each.
        executor=dg.in_process_executor,
    )


def with_freshness(settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets with their freshness policies, which only assets with incoming data have.

    A downstream asset rightly stays unchanged while its data is unchanged, but a policy would call it stale.
    """
    windows = {
        dg.AssetKey("raw_user_data"): timedelta(seconds=settings.users_freshness_seconds),
        dg.AssetKey("eggs"): timedelta(days=EGGS_KEEP_DAYS),
    }

    def apply(spec: dg.AssetSpec) -> dg.AssetSpec:
        window = windows.get(spec.key)
        return spec if window is None else dg.apply_freshness_policy(spec, dg.FreshnessPolicy.time_window(window))

    return [asset.map_asset_specs(apply) for asset in ASSETS]
