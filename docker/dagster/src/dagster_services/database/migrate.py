"""Migrates Dagster's tables to this image's version, grants runs their rights, and adds what Dagster does not have."""

import os
import sys
from collections.abc import Callable

import psycopg2.errors
import psycopg2.extensions

from dagster_deployment.collecting import SERVICE, collect_seldom
from dagster_services.database import (
    autovacuum,
    indexes,
    maintenance_grants,
    monitor_grants,
    output_store,
    run_grants,
    schema,
)
from dagster_services.database.session import connected

Change = Callable[[psycopg2.extensions.connection], None]


def main() -> None:
    """Runs at each start; a current database stays unchanged.

    Raises:
        Exception: `dagster instance migrate` failed.
        psycopg2.Error: the database refuses a statement.
    """
    collect_seldom(SERVICE)
    connection = connected(os.environ)
    schema.migrate(connection)
    run_grants.grant(connection)
    output_store.ensure(connection)
    maintenance_grants.grant(connection)
    monitor_grants.grant(connection)
    for change in (maintenance_grants.let_it_see_outputs, autovacuum.ensure, indexes.ensure):
        unless_somebody_is_in_the_way(change, connection)
    connection.close()


def unless_somebody_is_in_the_way(change: Change, connection: psycopg2.extensions.connection) -> None:
    """Makes a change, but gives up if a long transaction is in the way: that must not delay the start."""
    try:
        change(connection)
    except psycopg2.errors.LockNotAvailable:
        connection.rollback()
        print(f"migrate: a long transaction is in the way of {change.__module__}: the next start makes it.", file=sys.stderr)


if __name__ == "__main__":
    main()
