"""One run at a time: takes its lease, forks its process, and watches both until the process has ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import redis

from dagster_deployment.broker import Broker
from dagster_deployment.leases import Lease
from dagster_worker.ending import End, end, kills_for_memory, report
from dagster_worker.execution import execute
from dagster_worker.leftovers import own_folder
from dagster_worker.run_process import Process, end_descendants
from dagster_worker.settings import Settings
from dagster_worker.watch import Stop, Watch, keep, name

# A report needs the database. It may be restarting.
REPORT_SECONDS = 600
# Variables of the worker and of Celery, which runs do not get.
OWN = ("BROKER_HOST", "WORKER_HOST", "WORKER_CONCURRENCY", "WORKER_GRACE_SECONDS", "WORKER_LOST_SECONDS", "RUN_MEMORY")
OF_CELERY = ("CELERY_LOG_", "_MP_FORK_")


@dataclass(frozen=True)
class Slot:
    """Executes runs, one after the other."""

    settings: Settings
    broker: Broker
    client: redis.Redis
    stop: Stop

    def run(self, run_id: str, task: str) -> None:
        """Executes a run, unless somebody else does."""
        lease, owner = self.broker.lease(self.client, self.settings.location, task), f"{name()}.{uuid4().hex[:8]}"
        if not lease.take(owner):
            print(f"run {run_id} is not executed: it was canceled, or another worker has it", flush=True)
            return
        try:
            self._execute(lease, owner, run_id)
        finally:
            # A lease that cannot be released expires by itself.
            with suppress(redis.RedisError):
                lease.release(owner)

    def _execute(self, lease: Lease, owner: str, run_id: str) -> None:
        killed = kills_for_memory()
        with own_folder() as folder:
            removed = [*OWN, *(name for name in os.environ if name.startswith(OF_CELERY))]
            variables = {**dict.fromkeys(removed), "TMPDIR": str(folder)}
            process = self._fork(lambda: execute(run_id, lease.task), variables)
            watch = Watch(lease, owner, run_id, process, self.stop, self.settings.grace)
            try:
                watch.until_end()
            finally:
                # Without its watch, nobody would end it.
                process.signal(signal.SIGKILL)
                complete, status = process.is_complete, process.close()
                end_descendants()
        if not complete:
            self._report(lease, owner, run_id, watch.reason or end(status, out_of_memory=kills_for_memory() > killed))

    def _fork(self, act: Callable[[], None], environment: Mapping[str, str | None]) -> Process:
        return Process(act, memory=self.settings.run_memory, environment=environment)

    def _report(self, lease: Lease, owner: str, run_id: str, ended: End) -> None:
        """Reports from a process of its own: this one must not open Dagster's storage, which later runs would share."""
        print(f"run {run_id}: {ended.said}", file=sys.stderr, flush=True)
        deadline = time.monotonic() + REPORT_SECONDS
        while time.monotonic() < deadline:
            process = self._fork(lambda: report(run_id, lease.task, name(), ended), {})
            keep(lease, owner, process)
            complete, _ = process.is_complete, process.close()
            if complete:
                return
            time.sleep(1)
