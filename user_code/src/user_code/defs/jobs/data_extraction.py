"""The same work on users as ops in a job. Each op's body writes its product; Dagster does not know where."""

from typing import Any

import dagster as dg
import pandas as pd

from user_code.defs.io_managers import WarehouseResource
from user_code.defs.metadata import fetch_metadata, frame_metadata
from user_code.defs.resources import Exports, UsersSource
from user_code.tables import Table
from user_code.users.export import write_csv
from user_code.users.schema import validate_users
from user_code.users.summarise import summarise_users
from user_code.users.transform import transform_users

JOBS_SCHEMA = "jobs"
USERS_TABLE = Table(JOBS_SCHEMA, "transformed_user_data")
SUMMARY_TABLE = Table(JOBS_SCHEMA, "data_extraction_summary")
CSV_NAME = "user_data_from_job.csv"


@dg.op
def fetch_data_from_api(context: dg.OpExecutionContext, users_source: UsersSource) -> list[dict[str, Any]]:
    """Fetches the users from the source system."""
    fetched = users_source.fetch()
    context.add_output_metadata(fetch_metadata(fetched))
    return fetched.users


@dg.op
def transform_data(context: dg.OpExecutionContext, raw_data: list[dict[str, Any]], warehouse: WarehouseResource) -> pd.DataFrame:
    """Flattens and validates the users, and keeps them in the warehouse."""
    frame = validate_users(transform_users(raw_data))
    warehouse.open().replace_frame(USERS_TABLE, frame)
    context.add_output_metadata(frame_metadata(frame))
    return frame


@dg.op
def save_to_csv(context: dg.OpExecutionContext, frame: pd.DataFrame, exports: Exports) -> str:
    """Writes the users to a CSV file and returns its path."""
    path = exports.path(CSV_NAME)
    size = write_csv(frame, path)
    context.add_output_metadata({"path": dg.MetadataValue.path(path), "bytes": size})
    return str(path)


@dg.op
def generate_summary(
    context: dg.OpExecutionContext, frame: pd.DataFrame, file_path: str, warehouse: WarehouseResource
) -> dict[str, Any]:
    """Summarises the users after the file is written, and keeps the summary in the warehouse."""
    summary = summarise_users(frame)
    warehouse.open().replace_json(SUMMARY_TABLE, summary)
    context.log.info("Summarised %d users, exported to %s", summary["users"], file_path)
    context.add_output_metadata({"summary": dg.MetadataValue.json(summary)})
    return summary


@dg.job(
    description="Fetches, transforms, exports and summarises users: the work of the four assets, as four ops.",
    metadata={"smoke": True},
)
def data_extraction_job() -> None:
    """Connects the ops."""
    frame = transform_data(fetch_data_from_api())
    generate_summary(frame, save_to_csv(frame))
