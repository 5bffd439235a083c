"""Makes Terminate final, and possible at any moment of a run.

Dagster treats the interrupt of a step with a RetryPolicy as a failure (https://github.com/dagster-io/dagster/issues/15026).
The step repeated all its work, and the run succeeded. While a step waits for its next attempt or for a pool slot, Dagster
notices no interrupt. Dagster cannot terminate a run that is starting. Dagster has no setting for any of the three, so this
module changes Dagster's own modules.
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
# Seconds until a waiting step notices that the run is terminated.
LOOK_EVERY_SECONDS = 0.2
events_by_dagster: Any = execute_plan.core_dagster_event_sequence_for_step  # type: ignore[attr-defined]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all its causes. User code often turns an interrupt into an error of its own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def events_of_step(step_context: Any) -> Iterator[Any]:
    """Dagster's events of a step, except the retry of an interrupted step: that raises the interrupt."""
    try:
        yield from events_by_dagster(step_context)
    except RetryRequested as retry:
        if interrupt := next((error for error in causes(retry) if isinstance(error, INTERRUPTS)), None):
            raise interrupt from None
        raise


def sleep_til_ready(execution: Any) -> None:
    """Waits until a step may be retried; an interrupt ends the wait, and the run.

    Raises:
        DagsterExecutionInterruptedError: the run is terminated.
    """
    until = time.monotonic() + execution.sleep_interval()
    while (left := until - time.monotonic()) > 0:
        if pop_captured_interrupt():
            raise DagsterExecutionInterruptedError
        time.sleep(min(left, LOOK_EVERY_SECONDS))


def make_final() -> None:
    """Replaces two functions of Dagster with those above, for this whole process."""
    replace(execute_plan, "core_dagster_event_sequence_for_step", events_of_step)
    replace(ActiveExecution, "sleep_til_ready", sleep_til_ready)


def make_possible_while_starting() -> None:
    """Lets the webserver's API accept Terminate for a run that is starting; the launcher can stop it."""
    if DagsterRunStatus.STARTING not in CANCELABLE_RUN_STATUSES:
        CANCELABLE_RUN_STATUSES.append(DagsterRunStatus.STARTING)
