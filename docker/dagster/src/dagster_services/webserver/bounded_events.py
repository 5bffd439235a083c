"""Limits the bytes of events that the webserver reads at once: Dagster counts events, and a run sets the size of each.

A page of a thousand log lines of 2.4 MB crashed a webserver of 1 GiB, for all users.
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

from dagster_deployment.mending import replace
from dagster_services.webserver.same_origin import App, Scope

# The limit for a page of a run's events. Large events make a page shorter. The UI asks for the next, wherever a page ends.
PAGE_BYTES = 8 * 2**20
# The limit for one request. It may ask for twenty pages, and for lists without pages, such as an asset's materializations.
MAX_BYTES = 64 * 2**20
# Columns with values that user code wrote.
WRITTEN_BY_RUNS = {"event", "evaluation_event", "last_materialization", "run_body"}
MISSING = (
    "This event has {:,} bytes, and {:,} can be shown: the whole of it is in the database of Dagster, table event_logs, id {}."
)
in_pages: ContextVar[bool] = ContextVar("in_pages", default=False)
# The bytes that the current request has read so far. The threads that answer it share the list.
read_so_far: ContextVar[list[int] | None] = ContextVar("read_so_far", default=None)
db_result = sqlalchemy_compat.db_result
get_records_for_run = SqlEventLogStorage.get_records_for_run
debug_file = DagsterWebserver.download_debug_file_endpoint


class TooMuchError(DagsterError):
    """One request asks for too many bytes; the message is one sentence."""

    def __init__(self, found: int) -> None:
        super().__init__(f"These events have {found:,} bytes, and {MAX_BYTES:,} are read at once: ask for fewer at a time.")


class LongPageError(DagsterError):
    """A page has too many bytes; `share` is the fraction of its events that should fit."""

    def __init__(self, found: int) -> None:
        super().__init__(f"A page of {found:,} bytes is too long.")
        self.share = PAGE_BYTES / found


def _bytes(connection: Connection, query: Select[Any]) -> int:
    """The bytes of the texts that a query would fetch: Postgres knows the sizes without reading the texts."""
    inner = query.subquery()
    sizes = [func.coalesce(func.sum(func.octet_length(column)), 0) for column in inner.c if column.name in WRITTEN_BY_RUNS]
    found: int = connection.execute(select(sum(sizes[1:], sizes[0]))).scalar_one()
    return found


class OneRow:
    """The result of a query for one event that is too large: a message replaces it."""

    def __init__(self, connection: Connection, query: Select[Any], found: int) -> None:
        """Asks for the event's other columns."""
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
    """The result of a query, unless it is too large to read.

    Raises:
        LongPageError: the query reads a page, which is too large.
        TooMuchError: the request would exceed its limit.
    """
    # A constant, as in `SELECT true`, has no name.
    columns = {getattr(column, "name", None) for column in getattr(query, "selected_columns", ())}
    found = _bytes(connection, query) if columns & WRITTEN_BY_RUNS else 0
    if not in_pages.get() or found <= PAGE_BYTES:
        _count(found)
        with db_result(connection, query) as result:
            yield result
    elif query._limit == 1:  # noqa: SLF001 - SQLAlchemy tells it nowhere else
        yield OneRow(connection, query, found)
    else:
        raise LongPageError(found)


def _count(found: int) -> None:
    before = read_so_far.get() or [0]
    before[0] += found
    if before[0] > MAX_BYTES:
        raise TooMuchError(before[0])


def _page(read: Callable[[int], EventLogConnection], limit: int) -> EventLogConnection:
    """As many events as fit into the limit, and at least one."""
    before = in_pages.set(True)
    try:
        while True:
            try:
                return read(limit)
            except LongPageError as error:
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
    """All events of a run in one file; 413 and the reason if they have too many bytes."""
    try:
        answer: Response = await debug_file(webserver, request)
    except TooMuchError as error:
        return PlainTextResponse(f"{error}\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return answer


def bound_events() -> None:
    """Applies the limits to this whole process."""
    replace(DagsterWebserver, "download_debug_file_endpoint", _debug_file)
    replace(sqlalchemy_compat, "db_result", _bounded_result)
    replace(sql_event_log, "db_result", _bounded_result)
    replace(SqlEventLogStorage, "get_records_for_run", _records_for_run)


def counted(app: App) -> App:
    """An ASGI application that counts the bytes each HTTP request reads. A websocket reads page after page, uncounted."""

    async def count(scope: Scope, receive: Any, send: Any) -> None:
        read_so_far.set([0] if scope["type"] == "http" else None)
        await app(scope, receive, send)

    return count
