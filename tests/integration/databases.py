"""Tests connect to the Postgres of the integration tests with these functions, as any role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import psycopg2
import psycopg2.extensions

from dev.postgres import PASSWORD


def connected(environ: Mapping[str, str], role: str, database: str, password: str = PASSWORD) -> psycopg2.extensions.connection:
    """Returns a connection in which each statement is a transaction."""
    port = environ["DAGSTER_POSTGRES_PORT"]
    connection = psycopg2.connect(host="127.0.0.1", port=port, user=role, password=password, dbname=database)
    connection.autocommit = True
    return connection


@contextmanager
def asking(environ: Mapping[str, str], role: str, database: str) -> Iterator[psycopg2.extensions.cursor]:
    """Yields a cursor of such a connection."""
    with closing(connected(environ, role, database)) as connection, connection.cursor() as cursor:
        yield cursor


def answers(cursor: psycopg2.extensions.cursor, *statements: str) -> list[str]:
    """Returns "done" for each statement, or the five characters of Postgres' error code."""
    return [_answer(cursor, statement) for statement in statements]


def _answer(cursor: psycopg2.extensions.cursor, statement: str) -> str:
    try:
        cursor.execute(statement)
    except psycopg2.Error as error:
        return str(error.pgcode)
    return "done"
