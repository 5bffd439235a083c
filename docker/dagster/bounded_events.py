"""How many bytes of events the webserver reads at once: Dagster counts events, and lets a run make each as large as it likes.

A page of a thousand log lines of 2.4 MB ended a webserver of 1 GiB, for everybody.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC
from http import HTTPStatus
from typing import Any

from dagster import DagsterError
from dagster._core.events.log import EventLogEntry
from dagster._core.storage import sqlalchemy_compat
from dagster._core.storage.event_log import sql_event_log
from dagster._core.storage.event_log.base import EventLogConnection
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import serialize_value
from dagster_webserver.webserver import DagsterWebserver
from sqlalchemy import Connection, Select, func, select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

# A page of a run's events: a shorter one, where they are large. The UI asks for the next, wherever a page ends.
PAGE_BYTES = 8 * 2**20
# What has no pages: all materializations of a run, its debug file.
MAX_BYTES = 64 * 2**20
# Columns that hold what user code has made.
WRITTEN_BY_RUNS = {"event", "evaluation_event", "last_materialization"}
MISSING = (
    "This event has {:,} bytes, and {:,} can be shown: the whole of it is in the database of Dagster, table event_logs, id {}."
)
in_pages: ContextVar[bool] = ContextVar("in_pages", default=False)
db_result = sqlalchemy_compat.db_result
get_records_for_run = SqlEventLogStorage.get_records_for_run
debug_file = DagsterWebserver.download_debug_file_endpoint


class TooMuchError(DagsterError):
    """What is asked for has too many bytes to be read at once; the message is one sentence."""

    def __init__(self, found: int, allowed: int) -> None:
        super().__init__(f"These events have {found:,} bytes, and {allowed:,} are read at once: ask for fewer at a time.")
        self.share = allowed / found


def _bytes(connection: Connection, query: Select[Any]) -> int:
    """What the texts that a query would fetch have: Postgres knows it without reading them."""
    inner = query.subquery()
    sizes = [func.coalesce(func.sum(func.octet_length(column)), 0) for column in inner.c if column.name in WRITTEN_BY_RUNS]
    found: int = connection.execute(select(sum(sizes[1:], sizes[0]))).scalar_one()
    return found


class OneRow:
    """The result of a query for one event, which is too large: a message takes its place."""

    def __init__(self, connection: Connection, query: Select[Any], found: int) -> None:
        """Asks for what else is known of it."""
        columns = (Events.c.id, Events.c.run_id, Events.c.timestamp, Events.c.step_key)
        self._row = connection.execute(select(*columns).where(Events.c.id == query.subquery().c.id)).one()
        self._found = found

    def fetchall(self) -> list[tuple[int, str]]:
        """The id, and the message as an event."""
        row = self._row
        time = row.timestamp.replace(tzinfo=UTC).timestamp()
        message = MISSING.format(self._found, PAGE_BYTES, row.id)
        event = EventLogEntry(None, logging.WARNING, message, row.run_id, time, row.step_key)  # type: ignore[no-untyped-call]
        return [(row.id, serialize_value(event))]


@contextmanager
def _bounded_result(connection: Connection, query: Any) -> Iterator[Any]:
    """The result of a query, if it is not too large to be read.

    Raises:
        TooMuchError: it is.
    """
    columns = {column.name for column in getattr(query, "selected_columns", ())}
    found = _bytes(connection, query) if columns & WRITTEN_BY_RUNS else 0
    allowed = PAGE_BYTES if in_pages.get() else MAX_BYTES
    if found <= allowed:
        with db_result(connection, query) as result:
            yield result
    elif in_pages.get() and query._limit == 1:  # noqa: SLF001 - SQLAlchemy tells it nowhere else
        yield OneRow(connection, query, found)
    else:
        raise TooMuchError(found, allowed)


def _page(read: Callable[[int], EventLogConnection], limit: int) -> EventLogConnection:
    """As many events as have few enough bytes, and one at least."""
    before = in_pages.set(True)
    try:
        while True:
            try:
                return read(limit)
            except TooMuchError as error:
                limit = max(1, min(limit - 1, int(limit * error.share)))
    finally:
        in_pages.reset(before)


def _records_for_run(  # noqa: PLR0917 - as Dagster has it
    storage: SqlEventLogStorage,
    run_id: str,
    cursor: Any = None,
    of_type: Any = None,
    limit: int | None = None,
    ascending: bool = True,
) -> EventLogConnection:
    def read(most: int | None) -> EventLogConnection:
        return get_records_for_run(storage, run_id, cursor, of_type, most, ascending)

    return _page(read, limit) if limit else read(None)


async def _debug_file(webserver: DagsterWebserver[Any, Any], request: Request) -> Response:
    """All events of a run in one file; 413 and the reason where they are too many bytes for that."""
    try:
        answer: Response = await debug_file(webserver, request)
    except TooMuchError as error:
        return PlainTextResponse(f"{error}\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return answer


def bound_events() -> None:
    """For all of this process."""
    DagsterWebserver.download_debug_file_endpoint = _debug_file  # type: ignore[method-assign, assignment]
    sqlalchemy_compat.db_result = _bounded_result  # type: ignore[assignment]
    sql_event_log.db_result = _bounded_result  # type: ignore[assignment, attr-defined]
    SqlEventLogStorage.get_records_for_run = _records_for_run  # type: ignore[method-assign, assignment]
