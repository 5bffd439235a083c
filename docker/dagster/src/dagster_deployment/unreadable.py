"""Makes Dagster skip an event or a run that it cannot read in its database.

A run reports by writing to the database, so user code can write a text that is not an event. User code with a
newer Dagster writes events that an older daemon does not know. The daemon stopped at such an event for good: it retried no
run and sent no alert. The webserver answered every list of runs with an error.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dagster import AssetCheckKey, AssetKey, DagsterRun, DagsterRunStatus, EventLogEntry, EventRecordsFilter
from dagster._core.assets import AssetDetails
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord, AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import sql_event_log
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.partition_status_cache import AssetStatusCacheValue
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.sqlalchemy_compat import db_select
from dagster._serdes import deserialize_value

from dagster_deployment.mending import replace

if TYPE_CHECKING:
    from dagster._core.definitions.freshness import FreshnessStateRecord
    from dagster._core.event_api import EventLogRecord

log = logging.getLogger(__name__)
EVENT = "Dagster cannot read this event: another version of Dagster wrote it, or no Dagster at all."
# An unreadable run has no job: the list of runs shows this in its place.
JOB = "unreadable"
# Dagster needs an origin for a queued run. No code location has this name, so the launch fails, and the run ends.
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(JOB), JOB), JOB)
KEYS = (AssetKey, AssetDetails, AssetStatusCacheValue)

from_db_row = AssetCheckExecutionRecord.from_db_row
get_event_records = SqlEventLogStorage._get_event_records  # noqa: SLF001 - the one place that all readers of events by type share
get_freshness = SqlEventLogStorage.get_freshness_state_records
row_to_run = SqlRunStorage._row_to_run  # noqa: SLF001 - the one place that all readers of runs share


def event_or_note(text: str, as_type: Any = EventLogEntry) -> Any:
    """The object that `text` holds, or a log message in its place."""
    try:
        return deserialize_value(text, as_type)
    except Exception:  # noqa: BLE001 - user code wrote the text, and may know any way to break the reader
        log.warning("%s It begins with %.80r.", EVENT, text)
        return EventLogEntry(None, logging.WARNING, EVENT, "", _time(text))  # type: ignore[no-untyped-call]


def _time(text: str) -> float:
    """The Unix time of an event, or 0 where its text has none."""
    with suppress(ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return float(json.loads(text)["timestamp"])
    return 0.0


def _events_or_notes(texts: Iterable[str], as_type: Any) -> list[Any]:
    return [event_or_note(text, as_type) for text in texts]


def _of_the_type(
    storage: SqlEventLogStorage, event_records_filter: EventRecordsFilter, limit: int | None = None, ascending: bool = False
) -> Sequence[EventLogRecord]:
    """The first events, as many as asked for, whose type matches their column.

    A sensor stops reading at a short page, so each page is filled up.
    """
    found: list[EventLogRecord] = []
    while True:
        wanted = limit and limit - len(found)
        page = get_event_records(storage, event_records_filter, wanted, ascending)
        found += [record for record in page if record.event_log_entry.dagster_event_type == event_records_filter.event_type]
        if not wanted or len(page) < wanted or len(found) == limit:
            return found
        cursor: Any = {"after_cursor" if ascending else "before_cursor": page[-1].storage_id}
        event_records_filter = event_records_filter._replace(**cursor)


def _freshness(storage: SqlEventLogStorage, keys: Sequence[AssetKey]) -> Mapping[AssetKey, FreshnessStateRecord]:
    """The state of each asset whose last state is readable."""
    try:
        return get_freshness(storage, keys)
    except Exception:  # noqa: BLE001 - as above
        return {key: state for asset in keys if len(keys) > 1 for key, state in _freshness(storage, [asset]).items()}


def _run(storage: SqlRunStorage, row: Mapping[str, Any]) -> DagsterRun:
    """The run of a row. The daemon fails an unreadable queued run, because it cannot launch it."""
    try:
        return row_to_run(storage, row)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - as above
        query = db_select([RunsTable.c.run_id]).where(RunsTable.c.run_body == row["run_body"]).limit(1)
        (found,) = storage.fetchall(query)
        log.warning("Dagster cannot read the run %s: %.200s", found["run_id"], error)
        return DagsterRun(job_name=JOB, run_id=found["run_id"], status=_status(row["status"]), remote_job_origin=ORIGIN)


def _status(text: str) -> DagsterRunStatus:
    """The status that `text` names. An unknown name means a failure."""
    return DagsterRunStatus(text) if text in DagsterRunStatus._value2member_map_ else DagsterRunStatus.FAILURE


def _planned(kind: type[AssetCheckExecutionRecordStatus], _: object) -> AssetCheckExecutionRecordStatus:
    return kind.PLANNED


def _check_record(_: type[AssetCheckExecutionRecord], row: Any, key: AssetCheckKey) -> AssetCheckExecutionRecord:
    """The record of a row. A check with an unreadable result counts as not executed."""
    try:
        return from_db_row(row, key)
    except Exception:  # noqa: BLE001 - as above
        return from_db_row({**row, "execution_status": "PLANNED", "evaluation_event": None}, key)


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_or_none(text: Any) -> Any:
        try:
            return read(text)
        except Exception:  # noqa: BLE001 - as above
            log.warning("Dagster cannot read a text that begins with %.80r.", text)
            return None

    return read_or_none


READERS = {kind: _or_none(kind.from_db_string) for kind in KEYS}


def pass_over_what_cannot_be_read() -> None:
    """Applies the changes to this whole process."""
    replace(sql_event_log, "deserialize_value", event_or_note)
    replace(sql_event_log, "deserialize_values", _events_or_notes)
    replace(AssetCheckExecutionRecord, "from_db_row", classmethod(_check_record))
    # Python calls this for a value that an enumeration lacks.
    replace(AssetCheckExecutionRecordStatus, "_missing_", classmethod(_planned))
    replace(SqlEventLogStorage, "_get_event_records", _of_the_type)
    replace(SqlEventLogStorage, "get_freshness_state_records", _freshness)
    replace(SqlRunStorage, "_row_to_run", _run)
    for kind, read in READERS.items():
        replace(kind, "from_db_string", staticmethod(read))
