"""Dagster's launcher of runs in containers, which also says why a container ended before its run had started.

DockerRunLauncher starts a container and never looks back: a run whose process dies while it is imported stays in *Starting*
until `start_timeout_seconds` of dagster.yaml, and fails without a reason (dagster issue #8312).
"""

import logging
import threading
import time
from typing import Any

from dagster import DagsterRun, DagsterRunStatus
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.launcher import LaunchRunContext
from dagster_docker import DockerRunLauncher

# A run starts in two to four seconds; a look costs a query, two calls of the engine, and another query where something is wrong.
LOOK_EVERY_SECONDS = 2
# What is shown of the container's output; the rest is in `docker logs`.
LINES, CHARACTERS = 20, 4_000
ENDED = {"exited", "dead"}
logger = logging.getLogger(__name__)


def why(state: dict[str, Any]) -> str:
    """A sentence on how a container ended, of the `State` that the engine tells of it."""
    if state.get("OOMKilled"):
        return f"it reached its memory limit (exit code {state['ExitCode']})"
    error = f": {state['Error']}" if state.get("Error") else ""
    return f"its exit code is {state['ExitCode']}{error}"


def last_lines(output: bytes) -> str:
    """The end of what a container has printed, as text that an event can hold."""
    text = output.decode(errors="replace").replace("\0", "").strip()
    return f"\nThe end of its output:\n{text[-CHARACTERS:]}" if text else "\nIt has printed nothing."


class ContainerRunLauncher(DockerRunLauncher):
    """A container for every run; one that ends at once fails its run with the reason."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launches a run, and watches it until it has started."""
        super().launch_run(context)
        threading.Thread(target=self._watch, args=(context.dagster_run.run_id,), daemon=True).start()

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What Dagster adds to its message on a run that did not start in time, did not end in time, or crashed."""
        container = self._container(run)
        return self._story(container, output=bool(include_container_logs)) if container else None

    def _container(self, run: DagsterRun) -> Any:
        """The `Container` of docker-py, or None where it is gone."""
        return self._get_container(run)  # type: ignore[no-untyped-call]

    def _story(self, container: Any, *, output: bool = True) -> str:
        state = container.attrs["State"]
        how = why(state) if state["Status"] in ENDED else f"it is {state['Status']}"
        lines = last_lines(container.logs(tail=LINES)) if output else ""
        return f"Container {container.name} ({container.short_id}): {how}.{lines}"

    def _watch(self, run_id: str) -> None:
        """Until the run has started, or the run monitor fails it after `start_timeout_seconds`."""
        deadline = time.monotonic() + self._instance.run_monitoring_start_timeout_seconds
        watching = True
        while watching and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_SECONDS)
            try:
                watching = self._look(run_id)
            except Exception:
                # The gateway or the database may be starting again.
                logger.exception("cannot see run %s start", run_id)

    def _starting(self, run_id: str) -> DagsterRun | None:
        run = self._instance.get_run_by_id(run_id)
        return run if run and run.status == DagsterRunStatus.STARTING else None

    def _look(self, run_id: str) -> bool:
        """Whether to look again."""
        run = self._starting(run_id)
        container = run and self._container(run)
        # Asked again: what has ended by now may have started, and succeeded, since the first question.
        if container and container.status in ENDED and (run := self._starting(run_id)):
            message = f"The run's container ended before the run had started. {self._story(container)}"
            reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
            self._instance.report_run_failed(run, message, reason)
            return False
        return run is not None
