"""Users joined with their posts, as ops: fetched again from the source, or read from other jobs' tables."""

import dagster as dg
import pandas as pd

from user_code.defs.io_managers import WarehouseResource
from user_code.defs.jobs.data_extraction import JOBS_SCHEMA, USERS_TABLE, fetch_data_from_api, transform_data
from user_code.defs.metadata import frame_metadata
from user_code.defs.partitions import SAMPLED_USERS, users_partitions
from user_code.defs.resources import UsersSource
from user_code.tables import Rows, Table
from user_code.users import posts

POSTS_TABLE = Table(JOBS_SCHEMA, "user_posts")
POSTS_BY_CITY_TABLE = Table(JOBS_SCHEMA, "posts_by_city")


@dg.op
def fetch_posts(context: dg.OpExecutionContext, users_source: UsersSource) -> pd.DataFrame:
    """Fetches the posts of the first ten users."""
    frame = users_source.posts(range(1, SAMPLED_USERS + 1))
    context.add_output_metadata(frame_metadata(frame))
    return frame


@dg.op
def count_posts_by_city(users: pd.DataFrame, user_posts: pd.DataFrame, warehouse: WarehouseResource) -> None:
    """Joins users with their posts, and keeps the counts in the warehouse."""
    warehouse.open().replace_frame(POSTS_BY_CITY_TABLE, posts.posts_by_city(users, user_posts))


@dg.job(description="Counts posts by city, from start to finish.")
def posts_by_city_job() -> None:
    """Connects the ops."""
    count_posts_by_city(transform_data(fetch_data_from_api()), fetch_posts())


@dg.op
def read_users(warehouse: WarehouseResource) -> pd.DataFrame:
    """Reads the users that data_extraction_job wrote."""
    return warehouse.open().read_frame(USERS_TABLE)


@dg.op
def read_posts(warehouse: WarehouseResource) -> pd.DataFrame:
    """Reads the posts that user_posts_job wrote."""
    return warehouse.open().read_frame(POSTS_TABLE)


@dg.job(description="Counts posts by city, from the tables that data_extraction_job and user_posts_job have left.")
def posts_by_city_from_tables_job() -> None:
    """Connects the ops."""
    count_posts_by_city(read_users(), read_posts())


@dg.op
def save_posts_of_user(context: dg.OpExecutionContext, users_source: UsersSource, warehouse: WarehouseResource) -> None:
    """Fetches the posts of this run's partition, one user, and keeps them in the warehouse."""
    frame = users_source.posts([int(context.partition_key)])
    warehouse.open().replace_rows(POSTS_TABLE, frame, Rows("user_id", (context.partition_key,)))


@dg.job(description="Fetches posts, a run for each user.", partitions_def=users_partitions)
def user_posts_job() -> None:
    """Runs one op."""
    save_posts_of_user()
