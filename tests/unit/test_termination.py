"""Terminate is final: in the process of a run, and in the record of a run that was starting."""

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
    """As where SIGTERM comes in the step."""
    ATTEMPTS.append("plain")
    raise dg.DagsterExecutionInterruptedError


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
def wrap_an_interrupt() -> None:
    """As a library does that turns whatever ends it into an error of its own."""
    ATTEMPTS.append("wrapped")
    try:
        raise dg.DagsterExecutionInterruptedError
    finally:
        raise RuntimeError("cannot close the file")


@dg.job(executor_def=dg.in_process_executor)
def plain() -> None:
    """One op."""
    be_interrupted()


@dg.job(executor_def=dg.in_process_executor)
def wrapped() -> None:
    """One op."""
    wrap_an_interrupt()


@pytest.fixture
def final(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in the process of a run; afterwards Dagster is as it was."""
    monkeypatch.setattr(execute_plan, "core_dagster_event_sequence_for_step", stopping.events_by_dagster)
    monkeypatch.setattr(ActiveExecution, "sleep_til_ready", ActiveExecution.sleep_til_ready)
    stopping.make_final()
    ATTEMPTS.clear()
    yield
    ATTEMPTS.clear()


@pytest.mark.parametrize("job", [plain, wrapped], ids=["plain", "wrapped"])
def test_an_interrupted_step_is_not_tried_again(final: None, job: dg.JobDefinition) -> None:
    """Although its policy has two attempts left."""
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        job.execute_in_process()
    assert [job.name] == ATTEMPTS


def test_a_run_that_was_terminated_while_it_started_is_canceled(instance: dg.DagsterInstance) -> None:  # noqa: F811
    """Its process writes that it has started over the status, and takes its own end for unexpected."""
    run = instance.create_run_for_job(plain)
    instance.report_run_canceling(run)
    start = DagsterEvent(DagsterEventType.RUN_START.value, job_name="plain", message="Started.")
    instance.report_dagster_event(start, run_id=run.run_id)
    reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
    instance.report_run_failed(instance.get_run_by_id(run.run_id), "Interrupted.", reason)
    ended = instance.get_run_by_id(run.run_id)
    assert ended.status == dg.DagsterRunStatus.CANCELED
    assert "dagster/will_retry" not in ended.tags


def test_a_mend_of_something_that_is_gone_ends_the_process() -> None:
    """A new release of Dagster must not lose it without a word."""
    with pytest.raises(AttributeError, match="has no gone any more: this deployment mends it"):
        replace(stopping, "gone", None)
