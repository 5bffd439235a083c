"""The job that materializes the four assets of users."""

import dagster as dg

from user_code.defs.assets import users

users_assets_job = dg.define_asset_job(
    "users_assets_job",
    selection=dg.AssetSelection.groups(users.GROUP),
    description="Materializes the four assets of group `users`, when somebody asks or the schedule refreshes the first.",
    metadata={"smoke": True},
)
