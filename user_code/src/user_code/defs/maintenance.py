"""One-off work on the warehouse's layout, as a job, and also as an asset, to show why a job fits better."""

import dagster as dg

from user_code.defs.io_managers import WarehouseResource
from user_code.tables import Table

ARCHIVE_SCHEMA = "archive"


class ArchiveConfig(dg.Config):
    """The tables to move, as schema.table."""

    tables: list[str]


def archive(warehouse: WarehouseResource, names: list[str]) -> list[str]:
    """Moves tables without writers to schema `archive`, all or none; returns their new names. Nothing is deleted."""
    return list(map(str, warehouse.open().move([Table.named(name) for name in names], ARCHIVE_SCHEMA)))


@dg.op
def move_to_archive(context: dg.OpExecutionContext, config: ArchiveConfig, warehouse: WarehouseResource) -> None:
    """Moves the tables."""
    context.log.info("Moved to %s", archive(warehouse, config.tables))


@dg.job(
    description="Moves tables that nothing writes any more to schema `archive`: one-off work, for which a job is the better tool."
)
def archive_tables_job() -> None:
    """Runs one op."""
    move_to_archive()


@dg.asset(group_name="maintenance", owners=["team:data-platform"], kinds={"postgres"}, code_version="1")
def archived_tables(config: ArchiveConfig, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """The same work as an asset: the catalog then lists an asset that nobody will ever refresh."""
    return dg.MaterializeResult(metadata={"tables": archive(warehouse, config.tables)})


ASSETS = (archived_tables,)
