"""Dagster's queue of runs, with limits that the environment sets, and a shorter pause between two looks."""

from __future__ import annotations

import os
from typing import Any

from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator, RunQueueConfig
from dagster._core.storage.tags import CODE_LOCATION_TAG

# Dagster's own setting is a whole number. A second was half of a short run's time in a worker. Dagster looks at the clock
# every half second, so a shorter pause would change nothing.
LOOK_EVERY_SECONDS = 0.5


class DeploymentRunCoordinator(QueuedRunCoordinator):
    """Looks into the queue every half second, and gives a location's workers no more runs than they have slots."""

    @property
    def dequeue_interval_seconds(self) -> float:  # type: ignore[override]
        """The pause between two looks into the queue."""
        return LOOK_EVERY_SECONDS

    def get_run_queue_config(self) -> RunQueueConfig:
        """The limits of the queue."""
        config: RunQueueConfig = super().get_run_queue_config()
        limits = [*config.tag_concurrency_limits, *of_workers(os.environ.get("WORKER_SLOTS", ""))]
        most = int(os.environ.get("MAX_CONCURRENT_RUNS") or config.max_concurrent_runs)
        return config._replace(tag_concurrency_limits=limits, max_concurrent_runs=most)


def of_workers(slots: str) -> list[dict[str, Any]]:
    """The limit of each code location's runs. A run that waits in the broker could not be canceled by the queue."""
    return [{"key": CODE_LOCATION_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": int(slots)}] if slots else []
