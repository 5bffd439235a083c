"""Assets' values in the warehouse: a DataFrame is a table, anything JSON a table of documents, both in schema `assets`.

A partitioned asset is one table as well. Its metadata PARTITION_COLUMN names the column that holds the partition key; whoever
reads it gets all partitions.
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
# Postgres cuts what is longer without a word, so that two long keys would be one table.
LONGEST_NAME = 63
# Before the hash of a key, which is 128 bits of it; a key with this in it is hashed, so that it cannot look like another's.
HASHED = "#"
HASH_DIGITS = 32


class WarehouseResource(dg.ConfigurableResource[None]):
    """Where the warehouse is. Its password is in the file that PGPASSFILE names."""

    host: str
    port: int
    database: str
    user: str

    def open(self) -> Warehouse:
        """The warehouse; it connects for each transaction, so nothing is held between steps."""
        return Warehouse(self.host, self.port, self.database, self.user)


class WarehouseIOManager(dg.ConfigurableIOManager):
    """Keeps each asset in the table of its name, replaced in one transaction."""

    warehouse: dg.ResourceDependency[WarehouseResource]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Replaces the asset's table, or the rows of its partitions; a failure leaves the old ones readable."""
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
        """Reads the asset as the type that the asset or op asks for."""
        warehouse, table = self.warehouse.open(), asset_table(context.asset_key)
        wants_frame = context.dagster_type.typing_type is pd.DataFrame
        return warehouse.read_frame(table) if wants_frame else warehouse.read_json(table)


def asset_table(key: dg.AssetKey) -> Table:
    """The table of an asset, and of no other: its parts joined by "__".

    Where that could be another key's, or is longer than Postgres' 63 bytes, the name is cut, and ends with a hash of the key.
    """
    name = "__".join(key.path)
    if name.split("__") == list(key.path) and HASHED not in name and len(name.encode()) <= LONGEST_NAME:
        return Table(ASSETS_SCHEMA, name)
    digest = hashlib.sha256(json.dumps(key.path).encode()).hexdigest()[:HASH_DIGITS]
    shown = name.encode()[: LONGEST_NAME - len(HASHED) - HASH_DIGITS].decode(errors="ignore")
    return Table(ASSETS_SCHEMA, f"{shown}{HASHED}{digest}")
