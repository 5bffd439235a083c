"""Reads logs that runs have sent to Postgres, as files: never more than is asked for."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, cast

from dagster_deployment.output_store import PART_BYTES, OutputStore

# A location's run may have written the name of another one's log: the first one counts.
FIRST = "SELECT location FROM outputs.part WHERE key = %s ORDER BY written LIMIT 1"
END = "SELECT at + length(data) FROM outputs.part WHERE key = %s AND location = %s ORDER BY at DESC LIMIT 1"
# A part has a mebibyte at most, and a note that the rest is missing.
PIECES = """SELECT at, data FROM outputs.part WHERE key = %s AND location = %s AND at > %s AND at < %s ORDER BY at"""
# The UI shows it below the text of a log.
PLACE = "Postgres, database dagster, table outputs.part"
LONGEST_PART = 2 * PART_BYTES


class StoredLog(io.RawIOBase):
    """A log in Postgres. A reader sees it grow."""

    def __init__(self, store: OutputStore, key: str, location: str, end: int) -> None:
        self._store = store
        self._key = key
        self._location = location
        self._end = end
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a place; returns it."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Reads what fits into the buffer; returns the number of bytes.

        Raises:
            psycopg2.Error: Postgres is away.
        """
        most = memoryview(buffer).nbytes
        with self._store.cursor() as cursor:
            cursor.execute(PIECES, (self._key, self._location, self._at - LONGEST_PART, self._at + most))
            piece = joined(self._at, cursor.fetchall())[:most]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def joined(start: int, parts: Iterable[tuple[int, bytes]]) -> bytes:
    """The text from `start` on. Parts may overlap: a process that was killed has sent some twice."""
    found = bytearray()
    for at, data in parts:
        if at <= (end := start + len(found)) < at + len(data):
            found += data[end - at :]
    return bytes(found)


def open_stored(store: OutputStore | None, key: str) -> BinaryIO | None:
    """The log of that name, or None if the store has none.

    Raises:
        psycopg2.Error: Postgres is away.
    """
    if store is None:
        return None
    with store.cursor() as cursor:
        cursor.execute(FIRST, (key,))
        if (first := cursor.fetchone()) is None:
            return None
        cursor.execute(END, (key, first[0]))
        end = cursor.fetchone()
    log = StoredLog(store, key, first[0], end[0] if end else 0)
    return cast("BinaryIO", io.BufferedReader(log, PART_BYTES))


def is_stored(store: OutputStore | None, names: Sequence[str]) -> bool:
    """Whether the store has an output of one of these names.

    Raises:
        psycopg2.Error: Postgres is away.
    """
    if store is None:
        return False
    with store.cursor() as cursor:
        cursor.execute("SELECT 1 FROM outputs.part WHERE key = ANY (%s) LIMIT 1", (list(names),))
        return cursor.fetchone() is not None


def stored_names(store: OutputStore, beginning: str) -> list[str]:
    """The names in the store that begin so."""
    with store.cursor() as cursor:
        cursor.execute("SELECT DISTINCT key FROM outputs.part WHERE key ^@ %s ORDER BY key", (beginning,))
        return [key for (key,) in cursor.fetchall()]
