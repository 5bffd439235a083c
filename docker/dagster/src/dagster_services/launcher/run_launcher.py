"""The launcher of this deployment: a run gets a container of its own, or a worker executes it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from dagster._core.events import JobFailureData, RunFailureReason

from dagster_services.launcher.container_run_launcher import ContainerRunLauncher
from dagster_services.launcher.worker_runs import NoWorkerError, WorkerRuns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import DagsterRun
    from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext

# A run's tag; without it, RUN_ISOLATION in .env decides.
TAG = "dagster/isolation"
CONTAINER, WORKER = "container", "worker"


MISSING = {
    CONTAINER: "The run is to be in a container, and this deployment starts none: make up LAUNCH_GATEWAY=1",
    WORKER: "The run is to be in a worker, and this deployment has none: make up RUN_ISOLATION=worker",
}


class IsolationError(Exception):
    """A run asks for an isolation that this deployment does not offer."""


def isolation(tags: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """How a run is isolated: container or worker.

    Raises:
        IsolationError: its tag names another one, or one that this deployment does not offer.
    """
    wanted = tags.get(TAG) or environ.get("RUN_ISOLATION", CONTAINER)
    offered = {CONTAINER: bool(environ.get("DOCKER_HOST")), WORKER: bool(environ.get("BROKER_HOST"))}
    if wanted not in offered:
        raise IsolationError(f"The run's tag {TAG} is '{wanted}', which is not allowed: it must be container or worker.")
    if not offered[wanted]:
        raise IsolationError(MISSING[wanted])
    return wanted


class DeploymentRunLauncher(ContainerRunLauncher):
    """Launches a run as its tag or the deployment's setting says."""

    @cached_property
    def _workers(self) -> WorkerRuns:
        return WorkerRuns(self._instance)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launches a run. It fails with one sentence if this deployment does not offer what it asks for.

        Raises:
            DagsterUserCodeUnreachableError: engine, broker or workers are away; the run returns to the queue.
            APIError: the gateway or the engine refuses its container; the run fails and is not retried.
        """
        run = context.dagster_run
        try:
            if isolation(run.tags, os.environ) == CONTAINER:
                super().launch_run(context)
                return
            # A retry and a later stop find the run's worker also if the setting has changed.
            self._instance.add_run_tags(run.run_id, {TAG: WORKER})
            self._workers.launch(context)
        except IsolationError as error:
            self._instance.report_run_failed(run, str(error))
        except NoWorkerError as error:
            # Its retry has the code of now.
            lost = JobFailureData(error=None, failure_reason=RunFailureReason.START_TIMEOUT)
            self._instance.report_run_failed(run, str(error), lost)

    def terminate(self, run_id: str) -> bool:
        """Stops a run; returns whether there was one to stop."""
        run = self._instance.get_run_by_id(run_id)
        return self._workers.terminate(run) if run and _has_worker(run) else super().terminate(run_id)

    @property
    def supports_resume_run(self) -> bool:
        """No: a run whose process is lost starts again as a new run."""
        return False

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Fails a run whose container or worker is lost; the run monitor calls this."""
        return self._workers.health(run) if _has_worker(run) else super().check_run_worker_health(run)

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """The text that Dagster adds to its message on a run that missed its start or cancel time-out."""
        return self._workers.story(run) if _has_worker(run) else super().get_run_worker_debug_info(run, include_container_logs)


def _has_worker(run: DagsterRun) -> bool:
    return run.tags.get(TAG) == WORKER
