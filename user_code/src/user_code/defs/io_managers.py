"""Keeps assets' values in the warehouse's schema `assets`: a DataFrame as a table, any JSON as a table of documents.

A partitioned asset is one table as well. Its metadata PARTITION_COLUMN names the column that holds the partition key.
Readers of the table get all partitions.
"""

import hashlib
import json
from typing import Any

import dagster as dg
import pandas as pd

from user_code.tables import Rows, Table
from user_code.warehouse import Warehouse

ASSETS_SCHEMA = "assets"
PARTITION_COLUMN = "partition_column"
# Postgres silently cuts a longer name, so that two long keys would share one table.
LONGEST_NAME = 63
# Precedes a key's hash of 128 bits. A key that contains it is hashed, so that it cannot look like another key's name.
HASHED = "#"
HASH_DIGITS = 32


class WarehouseResource(dg.ConfigurableResource[None]):
    """The address of the warehouse. The file that PGPASSFILE names holds its password."""

    host: str
    port: int
    database: str
    user: str

    def open(self) -> Warehouse:
        """The warehouse; it connects for each transaction, so it holds no connection between steps."""
        return Warehouse(self.host, self.port, self.database, self.user)


class WarehouseIOManager(dg.ConfigurableIOManager):
    """Keeps each asset in the table of its name, replaced in one transaction."""

    warehouse: dg.ResourceDependency[WarehouseResource]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Replaces the asset's table, or the rows of its partitions; after a failure the old ones stay readable."""
        table = asset_table(context.asset_key)
        warehouse = self.warehouse.open()
        if context.has_asset_partitions:
            column = context.definition_metadata[PARTITION_COLUMN]
            warehouse.replace_rows(table, obj, Rows(column, tuple(context.asset_partition_keys)))
        elif isinstance(obj, pd.DataFrame):
            warehouse.replace_frame(table, obj)
        else:
            warehouse.replace_json(table, obj)
        context.add_output_metadata({"dagster/table_name": str(table)})

    def load_input(self, context: dg.InputContext) -> Any:
        """Reads the asset as the type that the downstream asset or op declares."""
        warehouse, table = self.warehouse.open(), asset_table(context.asset_key)
        wants_frame = context.dagster_type.typing_type is pd.DataFrame
        return warehouse.read_frame(table) if wants_frame else warehouse.read_json(table)


def asset_table(key: dg.AssetKey) -> Table:
    """The table of an asset, and of no other: its key's parts joined by "__".

    A name that could be another key's, or exceeds Postgres' 63 bytes, is cut, and ends with a hash of the key.
    """
    name = "__".join(key.path)
    if name.split("__") == list(key.path) and HASHED not in name and len(name.encode()) <= LONGEST_NAME:
        return Table(ASSETS_SCHEMA, name)
    digest = hashlib.sha256(json.dumps(key.path).encode()).hexdigest()[:HASH_DIGITS]
    shown = name.encode()[: LONGEST_NAME - len(HASHED) - HASH_DIGITS].decode(errors="ignore")
    return Table(ASSETS_SCHEMA, f"{shown}{HASHED}{digest}")
