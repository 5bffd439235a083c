"""The Celery application of a worker: its one task, and what happens around it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import redis
from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from celery.worker import state

from dagster_deployment.broker import TASK, Broker, queue_of
from dagster_deployment.presence import EVERY_SECONDS, Presence, Worker
from dagster_worker.leftovers import ENDING, RUNS, mark, remove_unsent
from dagster_worker.run_process import adopt_orphans, end_strays
from dagster_worker.settings import Settings
from dagster_worker.slot import Slot
from dagster_worker.warm import freeze
from dagster_worker.watch import Stop, name

if TYPE_CHECKING:
    from celery import Celery


# `make deploy` sends it to a worker of old code. SIGTERM, which Docker sends, also ends runs after the grace period.
DRAIN = signal.SIGUSR2
# The health check reads its age.
ALIVE = RUNS / "alive"


def drain(*_: object) -> None:
    """Lets this worker finish its runs, however long they take; it takes no other run, and ends."""
    ENDING.touch()
    state.should_stop = 0


def arguments(settings: Settings) -> list[str]:
    """The command line of Celery's worker."""
    queue = queue_of(settings.image)
    few = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return ["worker", f"--queues={queue}", f"--concurrency={settings.slots}", "--pool=prefork", "--loglevel=warning", *few]


def application(settings: Settings, broker: Broker, stop: Stop) -> Celery:
    """The application of a worker."""
    app = broker.celery(settings.location)
    slot = Slot(settings, broker, broker.client(), stop)

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def execute_run(run_id: str, task: str) -> None:
        """Executes a run."""
        slot.run(run_id, task)

    return app


def connect_signals(settings: Settings, broker: Broker, stop: Stop) -> None:
    """Tells Celery what this worker does when it is ready, when a slot starts, and when it stops."""
    presence = Presence(broker.client(), settings.location)
    worker = Worker(queue_of(settings.image), settings.host, name(), settings.slots)
    timers: list[Any] = []

    def alive() -> None:
        ALIVE.touch()
        end_strays()
        if state.should_stop is not None:
            # It drains: it takes no other run.
            return
        with suppress(redis.RedisError):
            presence.announce(worker)

    def ready(sender: Any, **_: Any) -> None:
        # Celery is ready again after each loss of the broker.
        while timers:
            timers.pop().cancel()
        timers.append(sender.timer.call_repeatedly(EVERY_SECONDS, alive))
        signal.signal(DRAIN, drain)
        alive()

    def stopping(**_: Any) -> None:
        ENDING.touch()
        stop.begin()

    worker_ready.connect(ready, weak=False)
    worker_process_init.connect(lambda **_: adopt_orphans(), weak=False)
    worker_shutting_down.connect(stopping, weak=False)


def serve(environ: Mapping[str, str], settings: Settings) -> None:
    """Becomes the worker; returns when it has stopped."""
    stop = Stop()
    broker = Broker.from_environment(environ)
    app = application(settings, broker, stop)
    connect_signals(settings, broker, stop)
    mark()
    remove_unsent()
    freeze()
    adopt_orphans()
    print(f"worker of {settings.image}: {settings.slots} runs at a time, process {os.getpid()}", flush=True)
    app.worker_main(arguments(settings))
