"""Users as assets: raw, flattened, exported, summarised."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from user_code.defs.conditions import follow_new_data, refresh_when_stale
from user_code.defs.metadata import fetch_metadata, frame_metadata, svg_metadata
from user_code.defs.resources import Exports, UsersSource
from user_code.users.export import write_csv
from user_code.users.schema import validate_users
from user_code.users.summarise import summarise_users, summary_plot
from user_code.users.transform import transform_users

GROUP = "users"
OWNERS = ["team:data-platform"]
CSV_NAME = "user_data.csv"
# If an asset also reports checks, Dagster accepts no type parameter on its result, and refuses a value without a type.
if TYPE_CHECKING:
    CheckedResult = dg.MaterializeResult[Any]
else:
    CheckedResult = dg.MaterializeResult
CHECKED_VALUE = dg.Any


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    code_version="1",
    io_manager_key="warehouse_io",
    automation_condition=refresh_when_stale(),
    dagster_type=CHECKED_VALUE,
    check_specs=[dg.AssetCheckSpec("raw_user_data_is_not_empty", asset="raw_user_data", blocking=True)],
)
def raw_user_data(users_source: UsersSource) -> CheckedResult:
    """Users from the source system. The payload's hash is the data version: unchanged data costs nothing downstream."""
    fetched = users_source.fetch()
    return dg.MaterializeResult(
        value=fetched.users,
        data_version=dg.DataVersion(fetched.payload_hash),
        metadata=fetch_metadata(fetched),
        check_results=[
            dg.AssetCheckResult(
                check_name="raw_user_data_is_not_empty",
                passed=bool(fetched.users),
                metadata={"users": len(fetched.users)},
            )
        ],
    )


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"pandas", "postgres"},
    code_version="1",
    io_manager_key="warehouse_io",
    automation_condition=follow_new_data(),
    dagster_type=CHECKED_VALUE,
    check_specs=[dg.AssetCheckSpec("transformed_user_data_keeps_every_user", asset="transformed_user_data")],
)
def transformed_user_data(raw_user_data: list[dict[str, Any]]) -> CheckedResult:
    """One validated row per user: flat columns, coordinates as numbers, e-mail addresses in lower case."""
    frame = validate_users(transform_users(raw_user_data))
    kept = {"raw": len(raw_user_data), "transformed": len(frame)}
    return dg.MaterializeResult(
        value=frame,
        metadata=frame_metadata(frame),
        check_results=[
            dg.AssetCheckResult(
                check_name="transformed_user_data_keeps_every_user",
                passed=kept["raw"] == kept["transformed"],
                metadata=kept,
            )
        ],
    )


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"csv"}, code_version="1", automation_condition=follow_new_data())
def user_data_csv(transformed_user_data: pd.DataFrame, exports: Exports) -> dg.MaterializeResult[None]:
    """The table of users as a CSV file in the exports volume, for readers without access to the warehouse."""
    path = exports.path(CSV_NAME)
    size = write_csv(transformed_user_data, path)
    rows = len(transformed_user_data)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "path": dg.MetadataValue.path(path), "bytes": size})


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    code_version="1",
    io_manager_key="warehouse_io",
    automation_condition=follow_new_data(),
)
def data_extraction_summary(transformed_user_data: pd.DataFrame) -> dg.MaterializeResult[dict[str, Any]]:
    """The numbers of users, cities, companies and e-mail domains, and the most common domains."""
    summary = summarise_users(transformed_user_data)
    plot = svg_metadata(summary_plot(summary))
    return dg.MaterializeResult(value=summary, metadata={"summary": dg.MetadataValue.json(summary), "plot": plot})


ASSETS = (raw_user_data, transformed_user_data, user_data_csv, data_extraction_summary)
