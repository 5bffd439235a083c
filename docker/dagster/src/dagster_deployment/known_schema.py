"""Remembers which tables and columns Dagster's database has.

Dagster asks the catalogue of Postgres for them before most queries, to be able to serve an older database. The service
`migrate` has made them before any other process starts, and none disappears. At rest, these questions took a quarter of the
daemon's processor time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from dagster_postgres import PostgresEventLogStorage

from dagster_deployment.mending import replace

METHODS: dict[Any, tuple[str, ...]] = {
    SqlRunStorage: (
        "has_backfill_id_column",
        "has_backfill_tags_table",
        "has_bulk_action_job_name_column",
        "has_bulk_actions_selector_cols",
        "has_run_stats_index_cols",
    ),
    SqlScheduleStorage: (
        "_has_asset_daemon_asset_evaluations_table",
        "_has_instigators_table",
        "has_built_index",
        "has_instigators_table",
        "has_secondary_index_table",
    ),
    SqlEventLogStorage: ("_has_asset_key_col_on_connection", "has_asset_key_col"),
    PostgresEventLogStorage: ("has_table",),
}
Ask = Callable[..., bool]


def remembered(ask: Ask) -> Ask:
    """The same question, asked of a storage until the answer is yes. Names tell questions apart, connections do not."""

    @functools.wraps(ask)
    def answer(storage: Any, *arguments: Any) -> bool:
        known: set[tuple[str, ...]] = storage.__dict__.setdefault("_known_schema", set())
        question = (ask.__name__, *(each for each in arguments if isinstance(each, str)))
        if question not in known and ask(storage, *arguments):
            known.add(question)
        return question in known

    return answer


# Dagster 1.13.3 does not ask all of them.
QUESTIONS = {
    (owner, name): remembered(getattr(owner, name)) for owner, names in METHODS.items() for name in names if hasattr(owner, name)
}


def remember_the_schema() -> None:
    """Applies the change to this whole process."""
    for (owner, name), question in QUESTIONS.items():
        replace(owner, name, question)
