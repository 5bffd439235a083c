"""The launcher of this deployment: a run gets a container of its own, or a worker executes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dagster import DagsterRunStatus
from dagster._core.events import RunFailureReason
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from dagster_deployment.broker import TASK_TAG
from dagster_services.launcher.container_run_launcher import ContainerRunLauncher
from dagster_services.launcher.run_facts import lost, was_launched
from dagster_services.launcher.worker_runs import NoWorkerError, WorkerRuns

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._core.launcher import LaunchRunContext


# A run's tag; without it, RUN_ISOLATION in .env decides.
TAG = "dagster/isolation"
CONTAINER, WORKER = "container", "worker"


NO_WORKERS = "The run's worker is gone: this deployment has no workers any more."
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
    def _workers(self) -> WorkerRuns | None:
        return WorkerRuns(self._instance) if os.environ.get("BROKER_HOST") else None

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launches a run. It fails with one sentence if this deployment does not offer what it asks for.

        Raises:
            DagsterUserCodeUnreachableError: engine, broker or workers are away; the run returns to the queue.
            APIError: the gateway or the engine refuses its container; the run fails and is not retried.
        """
        run = context.dagster_run
        try:
            if isolation(run.tags, os.environ) == WORKER and self._workers:
                self._workers.launch(context)
                return
        except IsolationError as error:
            self._instance.report_run_failed(run, str(error))
            return
        except NoWorkerError as error:
            # Its retry has the code of now.
            self._instance.report_run_failed(run, str(error), lost(RunFailureReason.START_TIMEOUT))
            return
        if was_launched(run):
            # An earlier launch was to a worker, and the setting has changed since.
            self._instance.add_run_tags(run.run_id, {TASK_TAG: ""})
        super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Stops a run; returns whether there was one to stop."""
        run = self._instance.get_run_by_id(run_id)
        if run and was_launched(run) and self._workers:
            return self._workers.terminate(run)
        return super().terminate(run_id)

    @property
    def supports_resume_run(self) -> bool:
        """No: a run whose process is lost starts again as a new run."""
        return False

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Fails a run whose container or worker is lost; the run monitor calls this."""
        if not was_launched(run):
            return super().check_run_worker_health(run)
        if self._workers:
            return self._workers.health(run)
        self._fail(run.run_id, DagsterRunStatus.STARTED, NO_WORKERS)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, NO_WORKERS)

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """The text that Dagster adds to its message on a run that missed its start or cancel time-out."""
        if was_launched(run):
            return self._workers.story(run) if self._workers else NO_WORKERS
        return super().get_run_worker_debug_info(run, include_container_logs)
