"""Migrates Dagster's tables to this image's version, grants runs their rights, and adds what Dagster does not have."""

import os

import psycopg2

from dagster_deployment.collecting import SERVICE, collect_seldom
from dagster_services.database import autovacuum, maintenance_grants, output_store, run_grants, tick_indexes


def main() -> None:
    """Runs at each start; a current database stays unchanged.

    Raises:
        Exception: `dagster instance migrate` failed.
        psycopg2.Error: the database refuses a statement.
    """
    collect_seldom(SERVICE)
    from dagster._cli import cli as dagster  # noqa: PLC0415 - after the threshold

    dagster(["instance", "migrate"], standalone_mode=False)
    connection = psycopg2.connect(
        host=os.environ["DAGSTER_POSTGRES_HOST"],
        port=os.environ["DAGSTER_POSTGRES_PORT"],
        user=os.environ["DAGSTER_POSTGRES_USER"],
        dbname=os.environ["DAGSTER_POSTGRES_DB"],
    )
    run_grants.grant(connection)
    output_store.ensure(connection)
    maintenance_grants.grant(connection)
    autovacuum.ensure(connection)
    tick_indexes.ensure_if_nobody_is_in_the_way(connection)
    connection.close()


if __name__ == "__main__":
    main()
