"""Hands runs to the workers, stops them, and notices that a worker is lost.

Dagster's own CeleryRunLauncher has no answer to a lost worker or to a broker that is away, and retries a canceled run
(https://github.com/dagster-io/dagster/pull/33493, and our own measurements: docs/measurements.md). It also asks the workers
themselves for their health: one that is silent delays the check of all others. Here a lease in the broker answers, which
expires by itself.
"""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

import redis
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.events import DagsterEvent, DagsterEventType, EngineEventData, RunFailureReason
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from kombu.exceptions import OperationalError

from dagster_deployment.broker import TASK, TASK_TAG, Broker, queue_of
from dagster_deployment.leases import Lease
from dagster_deployment.presence import Presence
from dagster_services.launcher.background import in_background
from dagster_services.launcher.run_facts import image_of, location_of, lost, was_launched

if TYPE_CHECKING:
    from celery import Celery


# A launched run that no worker takes is failed after this, if there is no worker for its image, or no message for a worker.
NO_WORKER_SECONDS = 30
# A worker interrupts a terminated run within a second, and kills it after seven.
STOP_SECONDS = 600
STOP_LOOK_SECONDS = 0.5
SECOND_LOOK_SECONDS = 3
LOST = "The run's worker is lost: it has not renewed its lease of the run."
LOST_MESSAGE = "The run waits for a worker, and the broker has lost its message."
GONE = "The run waits for a worker, and there is none any more for its image"
AWAY = (redis.RedisError, OperationalError, OSError)


class NoWorkerError(Exception):
    """No worker has the code with which a run was launched."""


class WorkerRuns:
    """The runs of this deployment's workers."""

    def __init__(self, instance: DagsterInstance) -> None:
        """Connects to nothing before the first run.

        Raises:
            OSError: the file with the broker's password is missing.
        """
        self._instance = instance
        self._broker = Broker.from_environment(os.environ)
        self._client = self._broker.client()
        self._celery = cache(self._broker.celery)

    def launch(self, context: LaunchRunContext) -> None:
        """Puts a run into the queue of its image's workers.

        Raises:
            DagsterUserCodeUnreachableError: the broker or the workers are away; the run returns to Dagster's queue.
            NoWorkerError: its code was replaced, and the last worker of its image has ended; the run fails.
        """
        run = context.dagster_run
        try:
            self._publish(context, run)
        except AWAY as error:
            raise DagsterUserCodeUnreachableError(f"The broker does not answer: {error}") from error
        patience = time.monotonic() + NO_WORKER_SECONDS
        in_background(lambda: self._look(run.run_id, patience), self._instance.run_monitoring_start_timeout_seconds)

    def _publish(self, context: LaunchRunContext, run: DagsterRun) -> None:
        if self._is_executed(run):
            return
        queue = queue_of(image_of(run))
        if not Presence(self._client, location_of(run)).has(queue):
            raise _no_worker(context, run)
        task = f"{run.run_id}.{uuid4().hex[:8]}"
        # Before the message: a worker executes only the launch that the tag names.
        self._instance.add_run_tags(run.run_id, {TASK_TAG: task})
        self._say(run, f"Sending the run to the workers of {image_of(run)}.", {"queue": f"{location_of(run)}:{queue}"})
        app: Celery = self._celery(location_of(run))
        app.send_task(TASK, [run.run_id, task], task_id=task, queue=queue, retry=False)

    def _is_executed(self, run: DagsterRun) -> bool:
        """Whether an earlier launch of this run has reached a worker, although its launcher met an error."""
        if not was_launched(run) or self._lease(run).prevent():
            return False
        event = DagsterEvent(DagsterEventType.RUN_START.value, run.job_name, message="A worker executes the run already.")
        self._instance.report_dagster_event(event, run.run_id)
        return True

    def terminate(self, run: DagsterRun) -> bool:
        """Interrupts a run, and cancels it when its process has ended; returns whether there was a run to stop."""
        if run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        run_id = run.run_id
        try:
            is_executed = self._lease(run).cancel()
        except AWAY:
            in_background(lambda: self._stop(run_id, cancel=True), STOP_SECONDS)
            return True
        if is_executed:
            in_background(lambda: self._stop(run_id), STOP_SECONDS, STOP_LOOK_SECONDS)
        else:
            self._cancel(run_id, "It had not started.")
        return True

    def _stop(self, run_id: str, *, cancel: bool = False) -> bool:
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return True
        lease = self._lease(run)
        if lease.cancel() if cancel else lease.owner():
            return False
        self._cancel(run_id, "Its process has ended.")
        return True

    def _cancel(self, run_id: str, story: str) -> None:
        self._instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        if (run := self._instance.get_run_by_id(run_id)) and not run.is_finished:
            self._instance.report_run_canceled(run, f"The run was terminated. {story}")

    def health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Fails a run whose worker is lost, with the reason; the run monitor calls this."""
        try:
            lost = self._lease(run).is_lost() and self._stays_lost(run)
        except AWAY as error:
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"The broker does not answer: {error}")
        if not lost:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._fail(run.run_id, DagsterRunStatus.STARTED, RunFailureReason.UNEXPECTED_TERMINATION, LOST)
        return CheckRunHealthResult(WorkerStatus.FAILED, LOST)

    def _stays_lost(self, run: DagsterRun) -> bool:
        """Looks again: after a broker that hung, leases have expired, and workers take them again within a second."""
        time.sleep(SECOND_LOOK_SECONDS)
        return self._lease(run).is_lost()

    def story(self, run: DagsterRun) -> str:
        """The text that Dagster adds to its message on a run that missed its start or cancel time-out."""
        try:
            owner = self._lease(run).owner()
            workers = Presence(self._client, location_of(run)).has(queue_of(image_of(run)))
        except AWAY as error:
            return f"The broker does not answer: {error}"
        executed = f"Worker {owner} executes it." if owner else "No worker executes it."
        return executed if workers else f"{executed} There is no worker for image {image_of(run)}."

    def _look(self, run_id: str, patience: float) -> bool:
        """Fails a run that waits for a worker which is gone; returns whether all is done."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.status != DagsterRunStatus.STARTING:
            return True
        location, queue = location_of(run), queue_of(image_of(run))
        if time.monotonic() < patience or self._lease(run).owner():
            return False
        waits = self._client.llen(f"{location}:{queue}")
        has_worker = Presence(self._client, location).has(queue)
        if (waits and has_worker) or not self._lease(run).prevent():
            return False
        message = LOST_MESSAGE if has_worker else f"{GONE} {image_of(run)}."
        self._fail(run_id, DagsterRunStatus.STARTING, RunFailureReason.START_TIMEOUT, message)
        return True

    def _fail(self, run_id: str, status: DagsterRunStatus, reason: RunFailureReason, message: str) -> None:
        """Fails a run if its status is still `status`: it may have ended meanwhile."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.status != status:
            return
        self._instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        self._instance.report_run_failed(run, message, lost(reason))

    def _lease(self, run: DagsterRun) -> Lease:
        return self._broker.lease(self._client, location_of(run), run.tags.get(TASK_TAG, ""))

    def _say(self, run: DagsterRun, message: str, data: dict[str, str]) -> None:
        self._instance.report_engine_event(message, run, EngineEventData(data), cls=self.__class__)


def _no_worker(context: LaunchRunContext, run: DagsterRun) -> Exception:
    """The error for a run whose image has no worker: another attempt may succeed if the code location has this image still."""
    image, location = image_of(run), location_of(run)
    if context.workspace and context.workspace.has_code_location(location):
        current = context.workspace.get_code_location(location).container_image
        if current != image:
            return NoWorkerError(f"No worker has the code of this run any more: image {image}.")
    return DagsterUserCodeUnreachableError(f"No worker of {location} is ready: docker compose ps {location}_worker")
