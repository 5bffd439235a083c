"""Watches the process of a run: renews its lease, interrupts it if it is terminated, ends it if it may be executed elsewhere."""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field

import redis

from dagster_code_server.database import status_of_run
from dagster_deployment.leases import Lease, State
from dagster_worker.ending import End
from dagster_worker.run_process import Process

# How often a slot renews the lease, and notices that its run is terminated.
LOOK_MILLISECONDS = 1_000
# A terminated run has this long to end: the same as in a container.
INTERRUPT_SECONDS = 7
# Without broker and database for this part of its lease, a worker is cut off: soon its run may be executed elsewhere.
CUT_OFF = 2 / 3
# Threads that user code has started may outlive its run by so much.
LINGER_SECONDS = 30
IN_PROGRESS = {"STARTING", "STARTED", "CANCELING"}


def keep(lease: Lease, owner: str, process: Process) -> None:
    """Renews a lease until the process of a report has ended. Nothing interrupts a report."""
    poll = select.poll()
    poll.register(process.fd, select.POLLIN)
    while not poll.poll(LOOK_MILLISECONDS):
        with suppress(redis.RedisError):
            lease.renew(owner)


def name() -> str:
    """The name of this worker: its container's."""
    return socket.gethostname()


class Stop:
    """When the worker was told to stop: the worker's process and its slots share it."""

    def __init__(self) -> None:
        """Call this before the slots are forked."""
        self._since = mmap.mmap(-1, 8)

    def begin(self) -> None:
        """Notes the time."""
        self._since[:] = struct.pack("d", time.monotonic())

    def has_lasted(self, seconds: float) -> bool:
        """Whether it began so long ago."""
        (since,) = struct.unpack("d", self._since[:])
        return bool(since) and time.monotonic() - since > seconds


@dataclass
class Watch:
    """Watches the process of one run."""

    lease: Lease
    owner: str
    run_id: str
    process: Process
    stop: Stop
    grace: int
    reason: End | None = None
    # When broker or database last said that the run is this worker's.
    _confirmed_at: float = field(default_factory=time.monotonic)
    _complete_since: float | None = None
    _interrupted_at: float | None = None

    def until_end(self) -> None:
        """Returns when the process has ended."""
        poll = select.poll()
        poll.register(self.process.fd, select.POLLIN)
        while not poll.poll(LOOK_MILLISECONDS):
            self._look()

    def _look(self) -> None:
        if self.process.is_complete:
            self._end_if_it_lingers()
            return
        state = self._state()
        if state is State.CANCELED:
            self._interrupt()
        if state is State.LOST:
            self._kill("another attempt may have begun: the worker was silent for too long")
        if self.stop.has_lasted(self.grace):
            self._kill("the worker was stopped")

    def _state(self) -> State:
        try:
            state = self.lease.renew(self.owner)
        except redis.RedisError:
            return self._state_without_broker()
        if state is State.LOST:
            state = self._take_again()
        self._confirmed_at = time.monotonic()
        return state

    def _take_again(self) -> State:
        """The lease has expired: this process was asleep, or the broker has lost its data."""
        status = self._status()
        if status is None or status not in IN_PROGRESS or not self.lease.take(self.owner):
            return State.LOST
        return State.HELD

    def _state_without_broker(self) -> State:
        """The broker is away for all, or for this worker alone. Then the run is failed elsewhere, which the database knows."""
        if (status := self._status()) is not None:
            self._confirmed_at = time.monotonic()
            return State.HELD if status in IN_PROGRESS else State.LOST
        return State.LOST if time.monotonic() - self._confirmed_at > CUT_OFF * self.lease.seconds else State.HELD

    def _status(self) -> str | None:
        return status_of_run(os.environ, self.run_id)

    def _interrupt(self) -> None:
        if self._interrupted_at is None:
            self._interrupted_at = time.monotonic()
            self.process.signal(signal.SIGTERM)
        elif time.monotonic() - self._interrupted_at > INTERRUPT_SECONDS:
            self._kill(f"it had not ended within {INTERRUPT_SECONDS} s, and was killed")

    def _end_if_it_lingers(self) -> None:
        """Ends a process that has reported the end of its run, and waits for a thread of user code that does not end."""
        self._complete_since = self._complete_since or time.monotonic()
        if time.monotonic() - self._complete_since > LINGER_SECONDS:
            self.process.signal(signal.SIGKILL)

    def _kill(self, why: str) -> None:
        self.reason = self.reason or End(why)
        self.process.signal(signal.SIGKILL)
