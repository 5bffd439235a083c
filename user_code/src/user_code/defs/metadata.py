"""Metadata for the UI, computed from values."""

import base64
from typing import Any

import dagster as dg
import pandas as pd

from user_code.users.fetch import FetchedUsers

PREVIEW_ROWS = 5


def frame_metadata(frame: pd.DataFrame) -> dict[str, Any]:
    """Row count, column schema and the first five rows."""
    schema = dg.TableSchema([dg.TableColumn(str(name), str(dtype)) for name, dtype in frame.dtypes.items()])
    records = [dg.TableRecord(row) for row in frame.head(PREVIEW_ROWS).to_dict("records")]  # type: ignore[arg-type]
    return {
        "dagster/row_count": len(frame),
        "dagster/column_schema": schema,
        "preview": dg.MetadataValue.table(records, schema=schema),
    }


def fetch_metadata(fetched: FetchedUsers) -> dict[str, Any]:
    """Row count, fetch time, and the payload's size and hash."""
    return {
        "dagster/row_count": len(fetched.users),
        "fetched_at": dg.MetadataValue.timestamp(fetched.fetched_at),
        "payload_bytes": fetched.payload_bytes,
        "payload_hash": fetched.payload_hash,
    }


def svg_metadata(svg: str) -> dg.MarkdownMetadataValue:
    """A drawing that the asset's page shows."""
    encoded = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![plot](data:image/svg+xml;base64,{encoded})")
