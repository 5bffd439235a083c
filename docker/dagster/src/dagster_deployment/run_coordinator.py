"""Dagster's queue of runs, with limits that the environment and the workers set, and a shorter pause between two looks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import redis
import yaml
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator, RunQueueConfig
from dagster._core.storage.tags import CODE_LOCATION_TAG

from dagster_deployment.broker import Broker
from dagster_deployment.presence import EVERY_SECONDS, HERE, Presence, Worker

# Dagster's own setting is a whole number. A second was half of a short run's time in a worker. Dagster looks at the clock
# every half second, so a shorter pause would change nothing.
LOOK_EVERY_SECONDS = 0.5
# docker-compose.yml mounts it there.
WORKSPACE = Path("/opt/dagster/workspace.yaml")
ISOLATION_TAG = "dagster/isolation"


class DeploymentRunCoordinator(QueuedRunCoordinator):
    """Looks into the queue every half second, and gives a location's workers no more runs than they have slots."""

    @property
    def dequeue_interval_seconds(self) -> float:  # type: ignore[override]
        """The pause between two looks into the queue."""
        return LOOK_EVERY_SECONDS

    @cached_property
    def _slots(self) -> Slots | None:
        # Runs in containers are all on this host: workers elsewhere do not help them.
        return Slots() if os.environ.get("RUN_ISOLATION") == "worker" else None

    def get_run_queue_config(self) -> RunQueueConfig:
        """The limits of the queue."""
        config: RunQueueConfig = super().get_run_queue_config()
        here = os.environ.get("WORKER_SLOTS", "")
        workers = self._slots.workers() if self._slots else {}
        limits = [*config.tag_concurrency_limits, *(of_workers(workers, int(here)) if workers else of_each(here))]
        most = os.environ.get("MAX_CONCURRENT_RUNS") or total(workers) or here or config.max_concurrent_runs
        return config._replace(tag_concurrency_limits=limits, max_concurrent_runs=int(most))


class Slots:
    """The slots of all workers, of which the broker is asked seldom."""

    def __init__(self, workspace: Path = WORKSPACE) -> None:
        """Connects to nothing yet."""
        self._client = Broker.from_environment(os.environ).client()
        self._workspace = workspace
        self._known: dict[str, list[Worker]] = {}
        self._asked_at = -float(EVERY_SECONDS)

    def workers(self) -> Mapping[str, list[Worker]]:
        """The workers of each location. One whose workers are away keeps its last ones: they may be restarting."""
        if time.monotonic() - self._asked_at >= EVERY_SECONDS:
            self._asked_at = time.monotonic()
            for location in names(self._workspace.read_text()):
                # One location's entries must not change the limits of another one.
                with suppress(redis.RedisError):
                    found = Presence(self._client, location).workers()
                    self._known[location] = found or self._known.get(location, [])
        return self._known


def names(workspace: str) -> list[str]:
    """The code locations that a workspace.yaml names."""
    entries = (entry.get("grpc_server") or {} for entry in yaml.safe_load(workspace)["load_from"] or [])
    return [entry["location_name"] for entry in entries if "location_name" in entry]


def slots(workers: Iterable[Worker]) -> dict[str, int]:
    """The slots of each host. Workers of an old and a new image on one host share its processors."""
    most: dict[str, int] = {}
    for worker in workers:
        most[worker.host] = max(worker.slots, most.get(worker.host, 0))
    return most


def current(workers: Sequence[Worker]) -> list[Worker]:
    """The workers with code that this host has too: after a deployment, other hosts have old code until they get the new."""
    queues = {worker.queue for worker in workers if worker.host == HERE}
    return [worker for worker in workers if worker.queue in queues or not queues]


def total(locations: Mapping[str, Sequence[Worker]]) -> int:
    """The runs that all hosts execute at the same time, whatever their code location."""
    return sum(slots(worker for workers in locations.values() for worker in current(workers)).values())


def of_workers(locations: Mapping[str, Sequence[Worker]], here: int) -> list[dict[str, Any]]:
    """The limit of each code location's runs. A run that waits in the broker could not be canceled by the queue.

    `here` is the limit of a location without a worker, and of runs in containers, which are all on this host.
    """
    of_locations = [
        {"key": CODE_LOCATION_TAG, "value": name, "limit": sum(slots(current(workers)).values()) or here}
        for name, workers in sorted(locations.items())
    ]
    return [*of_locations, {"key": ISOLATION_TAG, "value": "container", "limit": here}]


def of_each(slots: str) -> list[dict[str, Any]]:
    """The same limit for each code location, before the first worker is there."""
    return [{"key": CODE_LOCATION_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": int(slots)}] if slots else []
