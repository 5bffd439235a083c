"""The tour and the tests of the demo pass with workers as they pass with a container for each run."""

from __future__ import annotations

import pytest

from tests.demo.stack.test_stack import (
    test_assets_and_jobs_write_identical_rows_and_files,
    test_daemon_launches_scheduled_runs_of_both_styles,
    test_failing_source_fails_the_run_with_a_reason_and_keeps_the_old_data,
    test_freshness_sensor_materializes_all_assets_downstream_of_new_data,
    test_freshness_sensor_refreshes_only_the_source_if_its_data_is_unchanged,
)
from tests.demo.stack.test_tour import test_steps_of_the_tour_work_in_their_order

__all__ = [
    "test_assets_and_jobs_write_identical_rows_and_files",
    "test_daemon_launches_scheduled_runs_of_both_styles",
    "test_failing_source_fails_the_run_with_a_reason_and_keeps_the_old_data",
    "test_freshness_sensor_materializes_all_assets_downstream_of_new_data",
    "test_freshness_sensor_refreshes_only_the_source_if_its_data_is_unchanged",
    "test_steps_of_the_tour_work_in_their_order",
]
pytestmark = pytest.mark.timeout(700)
