"""Terminate is final for the process of a run, and for the record of a run that is starting."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType, JobFailureData, RunFailureReason
from dagster._core.execution.plan import execute_plan
from dagster._core.execution.plan.active import ActiveExecution

from dagster_deployment import stopping
from dagster_deployment.mending import replace
from tests.unit.test_retries_and_hints import instance  # noqa: F401 - a fixture

ATTEMPTS: list[str] = []


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
def be_interrupted() -> None:
    """Raises the interrupt that SIGTERM causes in a step."""
    ATTEMPTS.append("plain")
    raise dg.DagsterExecutionInterruptedError


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
def wrap_an_interrupt() -> None:
    """Raises another error after the interrupt, as some libraries do."""
    ATTEMPTS.append("wrapped")
    try:
        raise dg.DagsterExecutionInterruptedError
    finally:
        raise RuntimeError("cannot close the file")


@dg.job(executor_def=dg.in_process_executor)
def plain() -> None:
    """Runs the op that is interrupted."""
    be_interrupted()


@dg.job(executor_def=dg.in_process_executor)
def wrapped() -> None:
    """Runs the op that replaces the interrupt with another error."""
    wrap_an_interrupt()


@pytest.fixture
def final_termination(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Changes Dagster as in the process of a run, and restores it afterwards."""
    monkeypatch.setattr(execute_plan, "core_dagster_event_sequence_for_step", stopping.events_by_dagster)
    monkeypatch.setattr(ActiveExecution, "sleep_til_ready", ActiveExecution.sleep_til_ready)
    stopping.make_final()
    ATTEMPTS.clear()
    yield
    ATTEMPTS.clear()


@pytest.mark.parametrize("job", [plain, wrapped], ids=["plain", "wrapped"])
def test_dagster_does_not_retry_an_interrupted_step(final_termination: None, job: dg.JobDefinition) -> None:
    """The retry policy has two attempts left, and a terminated run must not use them."""
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        job.execute_in_process()
    assert [job.name] == ATTEMPTS


def test_run_that_was_terminated_at_its_start_is_canceled(instance: dg.DagsterInstance) -> None:  # noqa: F811
    """The run's process overwrites the status with STARTED, and then reports an unexpected end."""
    run = instance.create_run_for_job(plain)
    instance.report_run_canceling(run)
    start = DagsterEvent(DagsterEventType.RUN_START.value, job_name="plain", message="Started.")
    instance.report_dagster_event(start, run_id=run.run_id)
    reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
    instance.report_run_failed(instance.get_run_by_id(run.run_id), "Interrupted.", reason)
    ended = instance.get_run_by_id(run.run_id)
    assert ended.status == dg.DagsterRunStatus.CANCELED
    assert "dagster/will_retry" not in ended.tags


def test_replace_raises_an_error_if_dagster_has_no_such_function() -> None:
    """A new release of Dagster must not silently lose the change."""
    with pytest.raises(AttributeError, match="has no gone any more: this deployment mends it"):
        replace(stopping, "gone", None)
