"""Leases: who executes a run at this moment. The broker keeps them, and lets them expire.

A worker takes a lease before it starts a run, renews it every second, and releases it at the end. A lease that has expired
tells the launcher that the worker is lost, and a worker that was asleep that its run belongs to another attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

# A terminated run's message may wait in the queue until a slot is free.
CANCELED_SECONDS = 86_400
CANCELED = "canceled"


class State(Enum):
    """A lease in the eyes of its holder."""

    HELD = auto()
    CANCELED = auto()
    LOST = auto()


@dataclass(frozen=True)
class Lease:
    """The lease of one launch of a run. A launch is named by the id of its Celery task."""

    client: redis.Redis
    location: str
    task: str
    # Until it expires.
    seconds: int

    @property
    def _key(self) -> str:
        return f"{self.location}:lease.{self.task}"

    @property
    def _canceled(self) -> str:
        return f"{self.location}:canceled.{self.task}"

    def take(self, owner: str) -> bool:
        """Takes the lease; returns False if somebody has it, or if the launch was canceled. No two takers have one name."""
        return bool(self.client.set(self._key, owner, nx=True, ex=self.seconds))

    def renew(self, owner: str) -> State:
        """Renews the lease that `owner` took; returns its state. It is lost if somebody else has it."""
        with self.client.pipeline() as both:
            both.getex(self._key, ex=self.seconds)
            both.exists(self._canceled)
            found, canceled = both.execute()
        if found != owner:
            return State.LOST
        return State.CANCELED if canceled else State.HELD

    def release(self, owner: str) -> None:
        """Gives the lease back that `owner` took: the run has ended."""
        if self.client.get(self._key) == owner:
            self.client.delete(self._key, self._canceled)

    def owner(self) -> str | None:
        """The worker that executes the run, or None."""
        owner = self.client.get(self._key)
        return None if owner in {None, CANCELED} else str(owner)

    def prevent(self) -> bool:
        """Makes sure that this launch never starts; returns False if a worker executes it already."""
        if self.client.set(self._key, CANCELED, nx=True, ex=CANCELED_SECONDS):
            return True
        return self.owner() is None

    def cancel(self) -> bool:
        """Asks the worker to interrupt the run; returns whether one executes it. Else it will never start."""
        self.client.set(self._canceled, "1", ex=CANCELED_SECONDS)
        return not self.prevent()

    def is_lost(self) -> bool:
        """Whether the worker no longer renews it. After a start of the broker, workers have time to do so."""
        return self.owner() is None and int(self.client.info("server")["uptime_in_seconds"]) >= self.seconds
