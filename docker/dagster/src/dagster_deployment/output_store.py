"""Outputs of runs in Postgres, for runs on many hosts: OUTPUT_STORE=postgres. Volumes keep them by default.

A text names an output. It is kept in parts, so that nobody holds a large one in memory, and a log can grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import psycopg2
import psycopg2.extensions

PART_BYTES = 2**20
VOLUMES, POSTGRES = "volumes", "postgres"
# The pool's name for Dagster's own database, with fewer connections: docker/connection_pool/pgbouncer.ini.
DATABASE = "outputs"
WRITE = """INSERT INTO outputs.part (key, at, data) VALUES (%s, %s, %s)
    ON CONFLICT (key, location, at) DO UPDATE SET data = excluded.data"""
END = "SELECT at + length(data) FROM outputs.part WHERE key = %s AND location = current_user ORDER BY at DESC LIMIT 1"
READ = "SELECT at, data FROM outputs.part WHERE key = %s AND location = current_user AND at > %s ORDER BY at LIMIT 1"


class Readable(Protocol):
    """A source of bytes, such as a file."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


def role_of(location: str) -> str:
    """The database role of a code location for its outputs."""
    return f"outputs_{location}"


@dataclass(frozen=True)
class OutputStore:
    """The outputs that one role of the database has written."""

    host: str
    port: str
    role: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> OutputStore | None:
        """The store, or None if volumes keep outputs. Webserver and daemon belong to no code location."""
        if environ.get("OUTPUT_STORE", VOLUMES) != POSTGRES:
            return None
        location = environ.get("CODE_LOCATION")
        role = role_of(location) if location else environ["DAGSTER_POSTGRES_USER"]
        return cls(environ["DAGSTER_POSTGRES_HOST"], environ["DAGSTER_POSTGRES_PORT"], role)

    def replace(self, key: str, file: Readable) -> None:
        """Keeps the rest of `file` in place of an earlier output: a reader sees the old one or the new one.

        Raises:
            psycopg2.Error: Postgres is away or refuses.
        """
        with self.cursor() as cursor:
            cursor.execute("DELETE FROM outputs.part WHERE key = %s AND location = current_user", (key,))
            at = 0
            # An empty output has one empty part.
            while (part := file.read(PART_BYTES)) or not at:
                cursor.execute(WRITE, (key, at, psycopg2.Binary(part)))
                at += len(part) or 1

    def append(self, parts: Iterable[tuple[str, int, bytes]]) -> None:
        """Keeps parts of outputs that grow: for each the output's name, the place in it, and at most PART_BYTES.

        Raises:
            psycopg2.Error: Postgres is away or refuses. Then none of them is kept.
        """
        with self.cursor() as cursor:
            for key, at, part in parts:
                cursor.execute(WRITE, (key, at, psycopg2.Binary(part)))

    def end(self, key: str) -> int:
        """The length of an output in bytes, 0 if there is none.

        Raises:
            psycopg2.Error: Postgres is away or refuses.
        """
        with self.cursor() as cursor:
            cursor.execute(END, (key,))
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    def parts(self, key: str) -> Iterator[bytes]:
        """The parts of an output, or none.

        Raises:
            psycopg2.Error: Postgres is away or refuses.
        """
        with self.cursor() as cursor:
            # All parts are of one moment.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            after = -1
            while True:
                cursor.execute(READ, (key, after))
                if (row := cursor.fetchone()) is None:
                    return
                after, part = row
                yield bytes(part)

    @contextmanager
    def cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        """A transaction in a connection of its own: the process may fork between two outputs."""
        connection = psycopg2.connect(host=self.host, port=self.port, user=self.role, dbname=DATABASE, connect_timeout=10)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
