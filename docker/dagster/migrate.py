"""Brings Dagster's tables to the version of this image, grants runs what they need of them, and adds indexes for ticks."""

import os
import subprocess

import psycopg2
import run_grants
import tick_indexes


def main() -> None:
    """Does the same again at each start; a database that is current stays as it is.

    Raises:
        CalledProcessError: `dagster instance migrate` failed; it has said why.
        psycopg2.Error: the database refuses it.
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
