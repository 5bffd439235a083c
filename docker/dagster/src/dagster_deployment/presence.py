"""Presence: which workers take the runs of an image, and how many. Each worker says so, again and again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import redis

# A worker says it every EVERY_SECONDS, and it counts for SECONDS, by the broker's clock.
EVERY_SECONDS, SECONDS = 5, 20
# The name of the deployment's own host.
HERE = "here"
# More are not read.
MOST_WORKERS = 100
ENTRY = re.compile(r"([^|]+)\|([^|]+)\|([^|]+)\|(\d{1,3})", re.ASCII)


@dataclass(frozen=True)
class Worker:
    """A worker that takes runs."""

    # The queue of its image.
    queue: str
    # The host, by its name in `make worker-host`. The deployment's own has the name `here`.
    host: str
    # Its container.
    name: str
    # Runs at the same time.
    slots: int


@dataclass(frozen=True)
class Presence:
    """The workers of a code location."""

    client: redis.Redis
    location: str

    @property
    def _key(self) -> str:
        return f"{self.location}:workers"

    def announce(self, worker: Worker) -> None:
        """Says that a worker takes runs."""
        until = self._now() + SECONDS
        with self.client.pipeline() as both:
            both.zadd(self._key, {"|".join((worker.queue, worker.host, worker.name, str(worker.slots))): until})
            both.zremrangebyscore(self._key, "-inf", until - SECONDS)
            both.expire(self._key, SECONDS)
            both.execute()

    def workers(self) -> list[Worker]:
        """The workers that take runs. User code has the right to write here: what is no worker is left out.

        Raises:
            redis.RedisError: the broker is away, or the location has put something else there.
        """
        now = self._now()
        return list(_read(self.client.zrangebyscore(self._key, now, now + SECONDS, start=0, num=MOST_WORKERS)))

    def has(self, queue: str) -> bool:
        """Whether a worker takes runs of this queue."""
        return any(worker.queue == queue for worker in self.workers())

    def _now(self) -> int:
        seconds, _ = self.client.time()
        return int(seconds)


def _read(entries: Iterable[Any]) -> Iterator[Worker]:
    for entry in map(str, entries):
        if found := ENTRY.fullmatch(entry):
            queue, host, name, slots = found.groups()
            yield Worker(queue, host, name, int(slots))
