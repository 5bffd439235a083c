"""Presence: which workers take the runs of an image. Each worker says so, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

# A worker says it every EVERY_SECONDS, and it counts for SECONDS.
EVERY_SECONDS, SECONDS = 5, 20


@dataclass(frozen=True)
class Presence:
    """The workers of one queue of a code location."""

    client: redis.Redis
    location: str
    queue: str

    @property
    def _key(self) -> str:
        return f"{self.location}:workers.{self.queue}"

    def announce(self) -> None:
        """Says that a worker takes runs of this queue."""
        self.client.set(self._key, "1", ex=SECONDS)

    def __bool__(self) -> bool:
        """Whether a worker takes runs of this queue."""
        return bool(self.client.exists(self._key))
