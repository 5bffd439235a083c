"""Fails the runs that a restored database believes to be in progress: no process executes them. Runs in the queue stay."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dagster_deployment.collecting import SERVICE, collect_seldom
from dagster_services.database.session import connected, rows

if TYPE_CHECKING:
    from dagster import DagsterInstance

IN_PROGRESS = ["STARTING", "STARTED", "CANCELING"]
SAID = "The run was in progress at the moment to which this deployment was restored. Start it again if needed."


def fail_all(instance: DagsterInstance, run_ids: list[str]) -> None:
    """Fails these runs. None is started again by itself: its work may have been completed."""
    for run in filter(None, map(instance.get_run_by_id, run_ids)):
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        instance.report_run_failed(run, SAID)


def main() -> None:
    """Prints the number of runs."""
    found = rows(connected(os.environ), "SELECT run_id FROM runs WHERE status = ANY (%s)", IN_PROGRESS)
    if found:
        collect_seldom(SERVICE)
        from dagster import DagsterInstance  # noqa: PLC0415 - only if needed: it takes two seconds of CPU

        with DagsterInstance.get() as instance:
            fail_all(instance, [run_id for (run_id,) in found])
    print(len(found))


if __name__ == "__main__":
    main()
