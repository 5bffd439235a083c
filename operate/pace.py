"""Lets a dump give way to runs. It pauses while the processors of this machine have no time left for others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

STAT = Path("/proc/stat")
# Work of so many seconds is followed by a look, and by a pause so many times as long if others wait for a processor.
WORK_SECONDS, REST = 0.2, 14
# With a fifth of the processors idle, nobody waits.
ENOUGH = 0.2
# Idle processors during a pause: the work itself was what kept them busy. The next pause comes after so many seconds.
ALONE_SECONDS = 5
# A dump keeps its tables from being replaced. On a machine that is always busy it must end some time.
MOST_SECONDS = 900
# proc(5): the fourth and fifth fields are the idle time, and the first eight are all time.
IDLE, ALL = slice(4, 6), slice(1, 9)


def times(stat: Path = STAT) -> tuple[int, int] | None:
    """The idle time of all processors and all their time, since the machine's start. None if this machine does not say."""
    if not stat.exists():
        return None
    fields = stat.read_text().splitlines()[0].split()
    return sum(map(int, fields[IDLE])), sum(map(int, fields[ALL]))


def idle_part(before: tuple[int, int] | None, now: tuple[int, int] | None) -> float:
    """The part of the processors that was idle between two moments. A machine that does not say counts as idle."""
    if before is None or now is None or now[1] == before[1]:
        return 1.0
    return (now[0] - before[0]) / (now[1] - before[1])


@dataclass
class Pace:
    """Call it after each piece of work."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    look: Callable[[], tuple[int, int] | None] = times
    _since: float = field(init=False)
    _before: tuple[int, int] | None = field(init=False)
    _work: float = WORK_SECONDS
    _left: float = MOST_SECONDS

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._since, self._before = self.clock(), self.look()

    def __call__(self) -> None:
        """Pauses if it is time for a look, and others wait for a processor."""
        worked = self.clock() - self._since
        if worked < self._work:
            return
        self._work = WORK_SECONDS
        before, self._before = self._before, self.look()
        if idle_part(before, self._before) < ENOUGH and self._left > 0:
            self._pause(min(worked, 2 * WORK_SECONDS) * REST)
        self._begin()

    def _pause(self, seconds: float) -> None:
        self.sleep(seconds)
        self._left -= seconds
        if idle_part(self._before, self.look()) >= ENOUGH:
            self._work = ALONE_SECONDS
