"""Dagster's own instance, with a rule for retries and with hints in the events of a run.

Every process of Dagster opens it: dagster.yaml names it as `instance_class`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dagster import DagsterEventType, DagsterInstance, DagsterRun, EventLogEntry, Field
from dagster._core.events import RunFailureReason
from dagster._core.instance.ref import InstanceRef

from dagster_deployment.hints import hint
from dagster_deployment.known_schema import remember_the_schema
from dagster_deployment.mending import replace
from dagster_deployment.stopping import make_final
from dagster_deployment.unreadable import pass_over_what_cannot_be_read

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

# Reasons that allow a retry. Dagster itself excludes failed steps only, so a run that exceeded `dagster/max_runtime`
# ran three times as long. An end by `dagster/max_runtime`, a refused launch and code that does not load have no reason.
# Neither has an end that would be the same again (container_run_launcher.py).
LOST_WORKER = {
    RunFailureReason.UNEXPECTED_TERMINATION,
    RunFailureReason.START_TIMEOUT,
    RunFailureReason.RUN_WORKER_RESTART,
}
# Dagster retries after a failed step only if the run's tag `dagster/retry_on_asset_or_op_failure` asks for it.
ASKED_FOR = {RunFailureReason.STEP_FAILURE}
# Errors of SQLAlchemy and psycopg2 for a broken connection. Dagster's own connection broke if one of these files asked.
LOST_DATABASE = {"OperationalError", "InterfaceError"}
STORAGE = ("/dagster_postgres/", "/dagster/_core/storage/")
FAILURES = {DagsterEventType.STEP_FAILURE, DagsterEventType.STEP_UP_FOR_RETRY, DagsterEventType.RUN_FAILURE}
# A failed step already has its explanation at the step.
EXPLAINED = {RunFailureReason.STEP_FAILURE}


def chain(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    """Yields an error, its cause, that cause's cause, and so on."""
    while error is not None:
        yield error
        error = error.cause or error.context


def _error(event: EventLogEntry) -> SerializableErrorInfo | None:
    data = event.dagster_event and event.dagster_event.event_specific_data
    found: SerializableErrorInfo | None = getattr(data, "error", None)
    return found


def _reason(event: EventLogEntry) -> RunFailureReason | None:
    data = event.dagster_event and event.dagster_event.event_specific_data
    found: RunFailureReason | None = getattr(data, "failure_reason", None)
    return found


class DeploymentInstance(DagsterInstance):
    """Retries a run only if its worker was lost, and explains the limits that user code met."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Opens the instance, and applies the changes to Dagster that every process needs."""
        super().__init__(*arguments, **options)
        make_final()
        pass_over_what_cannot_be_read()
        remember_the_schema()

    @classmethod
    def config_schema(cls) -> Mapping[str, Field]:
        """Dagster's own keys of dagster.yaml; this class adds none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """Dagster's own defaults."""
        return InstanceRef.config_defaults(base_dir)

    def handle_new_event(self, event: EventLogEntry, **options: Any) -> None:
        """Stores an event. After a failure that meets a limit, stores another, which names the limit and its setting.

        A run that is terminated while it starts may overwrite its status and report an unexpected end: it counts as canceled.
        """
        if _reason(event) is RunFailureReason.UNEXPECTED_TERMINATION and self._is_terminated(event.run_id):
            run = self.get_run_by_id(event.run_id)
            if run is not None:
                self.report_run_canceled(run, "The run was terminated.")
            return
        super().handle_new_event(event, **options)
        explained = event.dagster_event_type not in FAILURES or _reason(event) in EXPLAINED
        if not explained and (said := hint(_texts(event))):
            self.report_engine_event(said, run_id=event.run_id, job_name=event.job_name, step_key=event.step_key)

    def _is_terminated(self, run_id: str) -> bool:
        return bool(self.event_log_storage.get_logs_for_run(run_id, of_type=DagsterEventType.RUN_CANCELING, limit=1))

    def may_retry(self, run: DagsterRun, reason: RunFailureReason | None) -> bool:
        """Whether a run that failed for this reason may be retried, if its attempts and its tags allow it."""
        return reason in LOST_WORKER | ASKED_FOR or self._lost_its_database(run, reason)

    def _should_retry_run(self, run: DagsterRun, run_failure_reason: RunFailureReason | None) -> bool:
        return self.may_retry(run, run_failure_reason) and bool(super()._should_retry_run(run, run_failure_reason))  # type: ignore[no-untyped-call]

    def _lost_its_database(self, run: DagsterRun, reason: RunFailureReason | None) -> bool:
        if reason is not RunFailureReason.RUN_EXCEPTION:
            return False
        (failure, *_) = self.event_log_storage.get_logs_for_run(
            run.run_id, of_type=DagsterEventType.RUN_FAILURE, limit=1, ascending=False
        )
        errors = list(chain(_error(failure)))
        frames = "".join(frame for error in errors for frame in error.stack)
        return any(error.cls_name in LOST_DATABASE for error in errors) and any(path in frames for path in STORAGE)


def _texts(event: EventLogEntry) -> str:
    errors = chain(_error(event))
    return "\n".join(f"{error.cls_name}: {error.message}" for error in errors)


def apply_to_daemon() -> None:
    """Makes the daemon keep the rule also if it sees a failure before the run has its tag `dagster/will_retry`.

    Otherwise it would decide by itself, and retry a run that failed in a child of the multiprocess executor.
    """
    # A run would pay for these imports without needing them.
    from dagster._daemon.auto_run_reexecution import auto_run_reexecution  # noqa: PLC0415

    decide = auto_run_reexecution.auto_reexecution_should_retry_run  # type: ignore[attr-defined]

    def decide_by_rule(instance: DeploymentInstance, run: DagsterRun, reason: RunFailureReason | None) -> bool:
        return instance.may_retry(run, reason) and bool(decide(instance, run, reason))

    replace(auto_run_reexecution, "auto_reexecution_should_retry_run", decide_by_rule)
