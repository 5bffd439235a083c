"""An operator types the targets of the Makefile in a deployment whose runs are executed by a worker."""

from __future__ import annotations

import pytest

from tests.stack.conftest import Stack
from tests.stack.test_database_rights import (
    run_in_user_code,
    test_run_that_leaks_warehouse_connections_leaves_connections_for_dagster,
)
from tests.stack.test_own_code import smallest_project, test_smoke_passes_with_the_smallest_project_of_the_manual
from tests.stack.test_verbs import (
    test_bench_measures_each_job_and_the_rate_of_runs,
    test_make_down_stops_started_runs_and_keeps_queued_runs_history_and_passwords,
    test_smoke_reports_each_check_and_fails_if_a_job_fails,
)

__all__ = [
    "smallest_project",
    "test_bench_measures_each_job_and_the_rate_of_runs",
    "test_make_down_stops_started_runs_and_keeps_queued_runs_history_and_passwords",
    "test_run_that_leaks_warehouse_connections_leaves_connections_for_dagster",
    "test_smoke_passes_with_the_smallest_project_of_the_manual",
    "test_smoke_reports_each_check_and_fails_if_a_job_fails",
]
pytestmark = pytest.mark.timeout(700)
LOCK = """
holder, other = connect("dagster_run", "dagster"), connect("dagster_run", "dagster")
row = f"UPDATE runs SET status = status WHERE run_id = '{sys.argv[1]}'"
print(ask(holder, "SET idle_in_transaction_session_timeout = 0", "BEGIN", row))
before = time.monotonic()
print(ask(other, "SET lock_timeout = 0", "SET statement_timeout = '90s'", row), int(time.monotonic() - before) // 15)
"""


def test_run_cannot_lock_a_row_of_the_runs_for_more_than_a_minute(still: Stack) -> None:
    """A longer lock would block Dagster. The limit must apply even if the run disables every time-out that it can disable."""
    ended = still.succeeds("quick_job")
    assert run_in_user_code(still, LOCK, ended.run_id).split() == ["done", "done", "4"]
