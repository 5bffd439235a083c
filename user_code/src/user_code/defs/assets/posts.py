"""A new product from existing data: users joined with their posts."""

import dagster as dg
import pandas as pd

from user_code.defs.io_managers import PARTITION_COLUMN
from user_code.defs.metadata import frame_metadata
from user_code.defs.partitions import users_partitions
from user_code.defs.resources import UsersSource
from user_code.users import posts

GROUP = "posts"
OWNERS = ["team:data-platform"]
KINDS = {"pandas", "postgres"}


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds=KINDS,
    code_version="1",
    io_manager_key="warehouse_io",
    partitions_def=users_partitions,
    # One run for all requested users: each user is one request.
    backfill_policy=dg.BackfillPolicy.single_run(),
    metadata={PARTITION_COLUMN: "user_id"},
)
def user_posts(context: dg.AssetExecutionContext, users_source: UsersSource) -> dg.MaterializeResult[pd.DataFrame]:
    """One row per post, with a partition for each of the first ten users."""
    frame = users_source.posts([int(key) for key in context.partition_keys])
    context.log.info("Fetched %d posts of %d users", len(frame), len(context.partition_keys))
    return dg.MaterializeResult(value=frame, metadata=frame_metadata(frame))


@dg.asset(group_name=GROUP, owners=OWNERS, kinds=KINDS, code_version="1", io_manager_key="warehouse_io")
def posts_by_city(transformed_user_data: pd.DataFrame, user_posts: pd.DataFrame) -> dg.MaterializeResult[pd.DataFrame]:
    """The number of users per city, and of the posts that they wrote."""
    frame = posts.posts_by_city(transformed_user_data, user_posts)
    return dg.MaterializeResult(value=frame, metadata=frame_metadata(frame))


ASSETS = (user_posts, posts_by_city)
