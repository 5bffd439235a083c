"""Dagster's container launcher, which also watches the containers that it starts and stops.

DockerRunLauncher starts a container and never looks back. A run whose process dies during imports stays in *Starting*
until `start_timeout_seconds` of dagster.yaml, and fails without a reason (https://github.com/dagster-io/dagster/issues/8312).
A run whose container is killed after its stop time-out stays in *Canceling* until `cancel_timeout_seconds`.
"""

import logging
from http import HTTPStatus
from typing import Any

from dagster import DagsterRun, DagsterRunStatus
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_docker import DockerRunLauncher
from dagster_docker.docker_run_launcher import DOCKER_CONTAINER_ID_TAG
from docker.errors import APIError, DockerException
from requests import RequestException

from dagster_services.launcher.background import in_background
from dagster_services.launcher.container_end import ENDED, LINES, End, end, last_lines

# The launcher tries for this long to stop a container whose engine does not answer.
STOP_SECONDS = 600
# The gateway has no room, or cannot reach the engine.
AWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
KILLED = 137
logger = logging.getLogger(__name__)


def is_away(error: Exception) -> bool:
    """Whether the same call may succeed later; False if the engine or the gateway refused it."""
    return error.status_code in AWAY if isinstance(error, APIError) else True


def failure(ended: End) -> JobFailureData:
    """The data that Dagster's retries depend on: DeploymentInstance retries a run whose worker was lost."""
    reason = None if ended.again else RunFailureReason.UNEXPECTED_TERMINATION
    return JobFailureData(error=None, failure_reason=reason)


class ContainerRunLauncher(DockerRunLauncher):
    """Gives every run a container, and reports at once how the container ended."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launches a run, and watches it until it has started.

        Raises:
            DagsterUserCodeUnreachableError: the engine is away, or the gateway has no room; the run returns to the queue.
            APIError: the gateway or the engine refuses it; the run fails and is not retried.
        """
        run_id = context.dagster_run.run_id
        try:
            super().launch_run(context)
        except (DockerException, RequestException) as error:
            if not is_away(error):
                raise
            self._discard_later(run_id)
            raise DagsterUserCodeUnreachableError(f"The Docker engine starts no container now: {error}") from error
        in_background(lambda: self._look(run_id), self._instance.run_monitoring_start_timeout_seconds)

    def terminate(self, run_id: str) -> bool:
        """Stops a run's container, and cancels the run when the container has ended; returns whether there was a run to stop."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        try:
            self._stop(run_id)
        except (DockerException, RequestException):
            logger.exception("cannot stop the container of run %s yet", run_id)
            in_background(lambda: self._stop(run_id), STOP_SECONDS)
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Fails a run whose container has ended, with the reason; the run monitor calls this."""
        health: CheckRunHealthResult = super().check_run_worker_health(run)
        if health.status in {WorkerStatus.FAILED, WorkerStatus.NOT_FOUND}:
            self._fail(run.run_id, DagsterRunStatus.STARTED, "The run's container ended before the run had ended.")
        return health

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """The text that Dagster adds to its message on a run that missed its start or cancel time-out."""
        container = self._container(run)
        return self._story(container, output=bool(include_container_logs)) if container else None

    def _container(self, run: DagsterRun) -> Any:
        """The `Container` of docker-py, or None if it no longer exists."""
        return self._get_container(run)  # type: ignore[no-untyped-call]

    def _story(self, container: Any, *, output: bool = True) -> str:
        state = container.attrs["State"]
        how = _end(container).said if state["Status"] in ENDED else f"it is {state['Status']}"
        lines = last_lines(container.logs(tail=LINES)) if output else ""
        return f"Container {container.name} ({container.short_id}): {how}.{lines}"

    def _discard_later(self, run_id: str) -> None:
        """Removes the container of a failed launch: the engine may have created it, and may still start it."""
        run = self._instance.get_run_by_id(run_id)
        if run and run.tags.get(DOCKER_CONTAINER_ID_TAG):
            in_background(lambda: self._discard(run), STOP_SECONDS)

    def _discard(self, run: DagsterRun) -> bool:
        now = self._in_status(run.run_id, DagsterRunStatus.STARTED)
        # Only the answer was lost: the container runs.
        in_use = now and now.tags[DOCKER_CONTAINER_ID_TAG] == run.tags[DOCKER_CONTAINER_ID_TAG]
        if not in_use and (container := self._container(run)):
            container.stop(timeout=0)
            container.remove()
        return True

    def _stop(self, run_id: str) -> bool:
        """Stops the container, and cancels the run if it has not ended by itself."""
        run = self._instance.get_run_by_id(run_id)
        container = run and self._container(run)
        story = "It has no container."
        if run and container:
            seconds = self.get_container_context(run).container_kwargs.get("stop_timeout")
            container.stop(timeout=seconds)
            container.reload()
            story = self._end_of_stopped(container, seconds)
        self._leave_pools(run_id)
        # The run's process may have overwritten the status, because it was starting during the termination.
        if (run := self._instance.get_run_by_id(run_id)) and not run.is_finished:
            self._instance.report_run_canceled(run, f"The run was terminated. {story}")
        return True

    def _leave_pools(self, run_id: str) -> None:
        """Frees the pool slots of a run whose container has ended. Dagster frees them only a minute later."""
        self._instance.event_log_storage.free_concurrency_slots_for_run(run_id)

    def _end_of_stopped(self, container: Any, seconds: int | None) -> str:
        state = container.attrs["State"]
        if state["ExitCode"] == KILLED and not state.get("OOMKilled"):
            return f"Container {container.name} had not ended within {seconds} s, and was killed."
        return self._story(container, output=False)

    def _in_status(self, run_id: str, status: DagsterRunStatus) -> DagsterRun | None:
        run = self._instance.get_run_by_id(run_id)
        return run if run and run.status == status else None

    def _look(self, run_id: str) -> bool:
        """Fails a run whose container ended before its start, stops a terminated run; returns whether all is done."""
        run = self._instance.get_run_by_id(run_id)
        if run and run.status == DagsterRunStatus.CANCELED:
            return self._stop(run_id)
        starting = run if run and run.status == DagsterRunStatus.STARTING else None
        container = starting and self._container(starting)
        if container and container.status in ENDED:
            self._fail(run_id, DagsterRunStatus.STARTING, "The run's container ended before the run had started.")
            return True
        return starting is None

    def _fail(self, run_id: str, status: DagsterRunStatus, message: str) -> None:
        """Fails a run if its status is still `status`: it may have ended meanwhile, with its container."""
        run = self._in_status(run_id, status)
        if run is None:
            return
        self._leave_pools(run_id)
        container = self._container(run)
        if container is None:
            self._instance.report_run_failed(run, f"{message} The container is gone.", failure(End("")))
            return
        ended = _end(container)
        hopeless = " It is not started again, because it would end the same way." if ended.again else ""
        self._instance.report_run_failed(run, f"{message}{hopeless} {self._story(container)}", failure(ended))


def _end(container: Any) -> End:
    return end(container.attrs["State"], container.attrs["HostConfig"])
