"""Dagster's own database, with the role that the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg2
import psycopg2.extensions


def connected(environ: Mapping[str, str]) -> psycopg2.extensions.connection:
    """A connection.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    host, port, user, name = (environ[f"DAGSTER_POSTGRES_{part}"] for part in ("HOST", "PORT", "USER", "DB"))
    return psycopg2.connect(host=host, port=port, user=user, dbname=name, connect_timeout=10)


def rows(connection: psycopg2.extensions.connection, query: str, *values: Any) -> list[Any]:
    """The rows of a query, in a transaction of its own.

    Raises:
        psycopg2.Error: the database refuses it.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def as_json(column: str) -> str:
    """The SQL of a text column as JSON; NULL where it is none. One damaged row must not make a whole query fail."""
    return f"CASE WHEN pg_input_is_valid({column}, 'json') THEN {column}::json END"
