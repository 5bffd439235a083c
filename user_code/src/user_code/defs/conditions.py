"""Conditions for the daemon to refresh an asset automatically.

The freshness daemon evaluates and stores the freshness state only every 30 s. Just after a refresh, `freshness_failed()`
alone is therefore still true, and would request the same asset twice.
"""

from typing import Any

import dagster as dg

EVERY_MINUTE = "* * * * *"


def refresh_when_stale(retry_cron: str = EVERY_MINUTE) -> dg.AutomationCondition[Any]:
    """For an asset with incoming data: once when it is missing, once each time it becomes stale.

    While it stays missing or stale without an update, a failed refresh is retried at each tick of `retry_cron`. It is never
    retried during a refresh.
    """
    stale = dg.AutomationCondition.freshness_failed()
    missing = dg.AutomationCondition.missing()
    became_stale = stale.newly_true()
    refreshed = dg.AutomationCondition.newly_updated().since(became_stale)
    retry = (missing | (stale & ~refreshed)) & dg.AutomationCondition.cron_tick_passed(retry_cron)
    condition = (became_stale | missing.newly_true() | retry) & ~dg.AutomationCondition.in_progress()
    return condition.with_label("refresh_when_stale")


def follow_new_data(retry_cron: str = EVERY_MINUTE) -> dg.AutomationCondition[Any]:
    """For a downstream asset: once for each new data version of its inputs, and once when it is missing.

    Until it is updated, a failed attempt is retried at each tick of `retry_cron`.
    """
    new_data = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    due = new_data | dg.AutomationCondition.missing().newly_true()
    failed = dg.AutomationCondition.execution_failed() & dg.AutomationCondition.cron_tick_passed(retry_cron)
    condition = (
        (due.since_last_handled() | failed)
        & ~dg.AutomationCondition.in_progress()
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
    )
    return condition.with_label("follow_new_data")
