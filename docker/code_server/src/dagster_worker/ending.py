"""Tells Dagster that the process of a run has ended without saying so itself."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from signal import SIGBUS, SIGKILL

from dagster import DagsterInstance
from dagster._core.events import JobFailureData, RunFailureReason

from dagster_deployment.broker import TASK_TAG
from dagster_deployment.compute_logs import DeploymentComputeLogManager

# cgroups(7), version 2. Docker shows a container its own.
MEMORY_EVENTS = Path("/sys/fs/cgroup/memory.events")


@dataclass(frozen=True)
class End:
    """How a process ended, in a sentence, and whether another attempt would end the same way."""

    said: str
    again: bool = False


def kills_for_memory(file: Path = MEMORY_EVENTS) -> int:
    """How many processes of this container the kernel has killed because its memory was full; 0 if it does not say."""
    lines = file.read_text().splitlines() if file.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def end(status: int, *, out_of_memory: bool) -> End:
    """How a process ended, from the status of waitpid(2)."""
    if not os.WIFSIGNALED(status):
        return End(f"it ended with exit code {os.waitstatus_to_exitcode(status)} before the run had ended")
    number = os.WTERMSIG(status)
    if number == SIGKILL and out_of_memory:
        # The kernel chooses one of the runs, perhaps not the one that needs most.
        return End("the worker's container needed more memory than WORKER_MEMORY in .env allows")
    if number == SIGBUS:
        return End("a file in memory was full (SIGBUS): RUN_SHM in .env sets the size of /dev/shm", again=True)
    if number == SIGKILL:
        return End("it was killed from outside (SIGKILL)")
    return End(f"it was ended by {signal.Signals(number).name}")


def report(run_id: str, task: str, worker: str, ended: End) -> None:
    """Cancels the run if it was terminated; otherwise fails it, with the reason."""
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished or run.tags.get(TASK_TAG) != task:
            return
        story = f"The run's process on worker {worker} ended: {ended.said}."
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        # DeploymentInstance cancels a terminated run instead.
        reason = None if ended.again else RunFailureReason.UNEXPECTED_TERMINATION
        hopeless = " It is not started again, because it would end the same way." if ended.again else ""
        instance.report_run_failed(run, f"{story}{hopeless}", JobFailureData(error=None, failure_reason=reason))
        if isinstance(logs := instance.compute_log_manager, DeploymentComputeLogManager):
            logs.send_left(run_id)
