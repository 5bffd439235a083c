"""Migrates Dagster's tables to this image's version, grants runs their rights, and adds indexes for ticks."""

import os
import subprocess

import psycopg2

from dagster_services.database import run_grants, tick_indexes


def main() -> None:
    """Runs at each start; a current database stays unchanged.

    Raises:
        CalledProcessError: `dagster instance migrate` failed, and has printed the reason.
        psycopg2.Error: the database refuses a statement.
    """
    subprocess.run(["dagster", "instance", "migrate"], check=True)
    connection = psycopg2.connect(
        host=os.environ["DAGSTER_POSTGRES_HOST"],
        port=os.environ["DAGSTER_POSTGRES_PORT"],
        user=os.environ["DAGSTER_POSTGRES_USER"],
        dbname=os.environ["DAGSTER_POSTGRES_DB"],
    )
    run_grants.grant(connection)
    tick_indexes.ensure_if_nobody_is_in_the_way(connection)
    connection.close()


if __name__ == "__main__":
    main()
