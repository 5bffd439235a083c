"""Progress, on standard error."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Reports progress on standard error: repetitions done, their total, and the time."""

    total: int
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, what: str, steps: int = 1) -> None:
        """Counts repetitions that are done, or that will not be played."""
        with self.lock:
            self.done += steps
            self.say(f"[{self.done:>2}/{self.total}] {what}")

    def say(self, what: str) -> None:
        """Prints a line."""
        print(f"evaluate: {time.monotonic() - self.started:4.0f} s {what}", file=sys.stderr, flush=True)
