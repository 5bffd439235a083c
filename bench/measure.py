"""Launches runs through GraphQL and reads their times from Dagster's own events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster_api.runs import ENDED, Run
from dagster_api.waiting import seen, wait_for

if TYPE_CHECKING:
    from dagster_api.client import Client


Tags = Mapping[str, str] | None
# Dagster's event of a process that has begun to execute a run.
BEGAN = "Started process for run"
# A burst may begin while other work takes the processors: two runs of it have taken longer than half a minute.
BURST_SECONDS = 60


class BenchError(Exception):
    """A run failed, so its time means nothing."""


@dataclass(frozen=True)
class Phases:
    """Seconds that a run spent in the queue, until its process began, until its first step, and in its steps.

    Until a process begins, its container starts and imports Dagster; or the broker hands it to a worker, which forks.
    """

    queue: float
    start: float
    load: float
    steps: float

    @property
    def total(self) -> float:
        """Seconds from launch to success."""
        return self.queue + self.start + self.load + self.steps


def phases(run: Run, starting: float, began: float) -> Phases:
    """The phases of a run that has ended. It left the queue at `starting`, and its process began at `began`.

    Both are seconds since 1970.

    Raises:
        BenchError: the run failed.
    """
    if run.status != "SUCCESS" or run.started is None or run.ended is None:
        raise BenchError(f"run {run.run_id} of {run.job} ended with {run.status}")
    return Phases(starting - run.created, began - starting, run.started - began, run.ended - run.started)


def median_run(measured: list[Phases]) -> Phases:
    """The run with the median total time; the number of runs is odd."""
    return sorted(measured, key=lambda each: each.total)[len(measured) // 2]


def runs_per_minute(runs: list[Run]) -> float:
    """Ended runs per minute, from the first launch to the last end."""
    ended = max(run.ended or 0 for run in runs)
    return len(runs) * 60 / (ended - min(run.created for run in runs))


def seconds_of(event: Mapping[str, Any]) -> float:
    """The time of an event, in seconds since 1970."""
    return float(event["timestamp"]) / 1000


def measure(client: Client, job: str, tags: Tags = None) -> Phases:
    """Launches one run and waits for it.

    Raises:
        BenchError: the run failed.
    """
    run_id = client.launch(job, tags=tags)
    run = client.wait(run_id)
    events = client.events(run_id)
    starting = [seconds_of(event) for event in events if event["eventType"] == "RUN_STARTING"]
    began = [seconds_of(event) for event in events if (event.get("message") or "").startswith(BEGAN)]
    if not (starting and began):
        raise BenchError(f"run {run_id} of {job} ended with {run.status} before it started")
    return phases(run, starting[0], began[0])


def burst(client: Client, job: str, count: int, tags: Tags = None) -> list[Run]:
    """Launches `count` runs at once and waits for all.

    Raises:
        BenchError: one of them failed.
    """
    ids = [client.launch(job, tags=tags) for _ in range(count)]

    def ended() -> list[Run]:
        runs = client.runs(runIds=ids)
        return seen(runs if all(run.status in ENDED for run in runs) else None, dict(Counter(run.status for run in runs)))

    # One query a second, because each query costs CPU on the measured machine.
    runs = wait_for(f"the end of {count} runs of {job}", ended, seconds=BURST_SECONDS + count * 15, every=1)
    if bad := [run.run_id for run in runs if run.status != "SUCCESS"]:
        raise BenchError(f"{len(bad)} of {count} runs of {job} did not succeed: {', '.join(bad)}")
    return runs
