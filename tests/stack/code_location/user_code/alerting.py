"""Things about which an operator gets a message: an asset that becomes stale, a check and a schedule that fail."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from user_code.letters import FAIL, quick_job


# Dagster allows no shorter window.
@dg.asset(
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(seconds=60)),
    check_specs=[dg.AssetCheckSpec("is_sweet", asset="milk")],
)
def milk() -> Iterator[Any]:
    """Is sour while the file `data/fail` exists."""
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=not FAIL.exists(), check_name="is_sweet")])


@dg.schedule(job=quick_job, cron_schedule="* * * * *")
def milking_schedule() -> dg.SkipReason:
    """Fails while the file `data/fail` exists."""
    if FAIL.exists():
        raise RuntimeError("no cow")
    return dg.SkipReason("milked")


milk_job = dg.define_asset_job("milk_job", selection=[milk], executor_def=dg.in_process_executor)
