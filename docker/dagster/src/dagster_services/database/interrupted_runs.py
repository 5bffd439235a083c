"""Fails the runs that a restored database believes to be in progress: no process executes them. Runs in the queue stay."""

from __future__ import annotations

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from dagster_deployment.collecting import SERVICE, collect_seldom

IN_PROGRESS = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
SAID = "The run was in progress at the moment to which this deployment was restored. Start it again if needed."


def fail_all(instance: DagsterInstance) -> int:
    """Fails each such run, and returns their number. None is started again by itself: its work may have been completed."""
    runs = instance.get_runs(RunsFilter(statuses=IN_PROGRESS))
    for run in runs:
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        instance.report_run_failed(run, SAID)
    return len(runs)


def main() -> None:
    """Prints the number of runs."""
    collect_seldom(SERVICE)
    with DagsterInstance.get() as instance:
        print(fail_all(instance))


if __name__ == "__main__":
    main()
