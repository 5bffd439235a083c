"""Executes a run with Dagster, in the process of the run."""

from __future__ import annotations

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus

from dagster_deployment.broker import TASK_TAG


def execute(run_id: str, task: str) -> None:
    """Executes a run, unless this launch of it is no longer wanted."""
    from dagster._cli.api import _execute_run_command_body  # noqa: PLC0415 - it imports all of Dagster's command line
    from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers  # noqa: PLC0415

    setup_interrupt_handlers()
    with capture_interrupts(), DagsterInstance.get() as instance:
        if refused := refusal(instance.get_run_by_id(run_id), task):
            print(f"run {run_id} is not executed: {refused}", flush=True)
            return
        _execute_run_command_body(run_id, instance, write_stream_fn=lambda _: None, set_exit_code_on_failure=False)


def refusal(run: DagsterRun | None, task: str) -> str | None:
    """The reason why a launch must not be executed, or None. A broker that was away may deliver it late, or twice."""
    if run is None:
        return "it was deleted"
    if run.tags.get(TASK_TAG) != task:
        return "it was launched again"
    if run.status != DagsterRunStatus.STARTING:
        return f"it is {run.status.value.lower()}"
    return None
