"""Facts that a run's record holds, for the launch by a worker: its image, its code location, its last launch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import CODE_LOCATION_TAG

from dagster_deployment.broker import TASK_TAG

if TYPE_CHECKING:
    from dagster import DagsterRun


def image_of(run: DagsterRun) -> str:
    """The image with which the run was launched."""
    origin = run.job_code_origin
    return (origin and origin.repository_origin.container_image) or ""


def location_of(run: DagsterRun) -> str:
    """The code location of the run."""
    return run.tags[CODE_LOCATION_TAG]


def lost(reason: RunFailureReason) -> JobFailureData:
    """The data of a run that failed without fault of its own: DeploymentInstance retries it."""
    return JobFailureData(error=None, failure_reason=reason)


def was_launched(run: DagsterRun) -> bool:
    """Whether the run's last launch was to a worker."""
    return run.tags.get(TASK_TAG, "").startswith(run.run_id)
