"""Makes Terminate final, and possible at any moment of a run.

Dagster takes the interrupt of a step with a RetryPolicy for a failure (dagster issue #15026): the step did all its work
again, and the run ended as a success. While a step waits for its next attempt, or for a place in a pool, Dagster does not
notice an interrupt. A run that is starting cannot be terminated. All three are mended in Dagster's own modules, because
none has a setting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from dagster import DagsterExecutionInterruptedError, RetryRequested
from dagster._core.execution.plan import execute_plan
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.storage.dagster_run import CANCELABLE_RUN_STATUSES, DagsterRunStatus
from dagster._utils.interrupts import pop_captured_interrupt

from dagster_deployment.mending import replace

INTERRUPTS = (DagsterExecutionInterruptedError, KeyboardInterrupt)
# How soon a step that waits notices that the run is terminated.
LOOK_EVERY_SECONDS = 0.2
events_by_dagster: Any = execute_plan.core_dagster_event_sequence_for_step  # type: ignore[attr-defined]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it. User code often turns an interrupt into an error of its own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def events_of_step(step_context: Any) -> Iterator[Any]:
    """The events of a step, as Dagster has them, but for the retry of an interrupted one: that raises the interrupt."""
    try:
        yield from events_by_dagster(step_context)
    except RetryRequested as retry:
        if interrupt := next((error for error in causes(retry) if isinstance(error, INTERRUPTS)), None):
            raise interrupt from None
        raise


def sleep_til_ready(execution: Any) -> None:
    """Waits until a step may be tried; an interrupt ends the wait, and the run.

    Raises:
        DagsterExecutionInterruptedError: the run is terminated.
    """
    until = time.monotonic() + execution.sleep_interval()
    while (left := until - time.monotonic()) > 0:
        if pop_captured_interrupt():
            raise DagsterExecutionInterruptedError
        time.sleep(min(left, LOOK_EVERY_SECONDS))


def make_final() -> None:
    """For all of this process: puts the two functions above in place of Dagster's."""
    replace(execute_plan, "core_dagster_event_sequence_for_step", events_of_step)
    replace(ActiveExecution, "sleep_til_ready", sleep_til_ready)


def make_possible_while_starting() -> None:
    """For the webserver: its API accepts Terminate for a run that is starting, which the launcher can stop."""
    if DagsterRunStatus.STARTING not in CANCELABLE_RUN_STATUSES:
        CANCELABLE_RUN_STATUSES.append(DagsterRunStatus.STARTING)
