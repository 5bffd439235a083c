"""Sends logs that grow to the output store."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NoReturn

import psycopg2

from dagster_deployment.output_store import PART_BYTES, OutputStore

SEND_EVERY_SECONDS = 2.0
# Attempts to send the rest at the end of a step: Postgres may be restarting.
LAST_ATTEMPTS = 15
LONGEST_PAUSE_SECONDS = 5
# As Dagster's own managers for cloud storage.
MOST_BYTES = 50 * 2**20
CUT = b"\n... the rest is not kept: more than 50 MiB\n"


def key_of(log_key: Sequence[str], extension: str) -> str:
    """The name of a log in the store. No part of a log's key holds a line break."""
    return "\n".join(("log", *log_key, extension))


@dataclass
class Log:
    """A file that grows, and how much of it is in the store."""

    key: str
    path: Path
    # The place in the store where the file begins. None stands for the end of what the store has already.
    start: int | None = 0
    _read: int = 0
    # This process and the one that sends share it.
    _sent: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 8))

    @property
    def sent(self) -> int:
        """The bytes that the store has."""
        return int.from_bytes(self._sent[:], "big")

    def new(self) -> Iterator[tuple[str, int, bytes]]:
        """The text that the store does not have yet, in parts."""
        self._read = self.sent
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(self._read)
            while self._read < MOST_BYTES and (part := file.read(PART_BYTES)):
                at, self._read = (self.start or 0) + self._read, self._read + len(part)
                yield self.key, at, part if self._read < MOST_BYTES else part + CUT

    def find_start(self, store: OutputStore) -> None:
        """Finds out where the file begins, if it has text."""
        if self.start is None and self.path.exists() and self.path.stat().st_size:
            self.start = store.end(self.key)

    def is_sent(self) -> None:
        """Notes that the store has all that `new` has yielded."""
        self._sent[:] = self._read.to_bytes(8, "big")


@dataclass
class Sending:
    """Sends logs beside the step that writes them."""

    store: OutputStore
    logs: Sequence[Log]
    # The name of an empty output that marks the logs as complete.
    mark: str | None = None

    @contextmanager
    def while_it_grows(self) -> Iterator[None]:
        """Sends again and again until the block ends.

        A process does it: user code may fork, and a thread of ours could hold a lock then. A process with threads itself
        sends at the end only.
        """
        child = os.fork() if threading.active_count() == 1 else None
        if child == 0:
            self._repeat(os.getppid())
        try:
            yield
        finally:
            if child:
                # User code may have waited for all children of this process.
                with suppress(ProcessLookupError, ChildProcessError):
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)

    def _repeat(self, parent: int) -> NoReturn:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            while os.getppid() == parent:
                time.sleep(SEND_EVERY_SECONDS)
                # It is tried again soon.
                with suppress(psycopg2.Error):
                    self._send(())
        finally:
            # Nothing of the parent's may be closed or flushed here.
            os._exit(0)

    def _send(self, more: Iterable[tuple[str, int, bytes]]) -> None:
        for log in self.logs:
            log.find_start(self.store)
        new = chain(chain.from_iterable(log.new() for log in self.logs), more)
        # No connection for nothing.
        if (first := next(new, None)) is not None:
            self.store.append(chain([first], new))
            for log in self.logs:
                log.is_sent()

    def finish(self) -> bool:
        """Sends the rest; returns whether that worked."""
        mark = [(self.mark, 0, b"")] if self.mark else []
        for attempt in range(1, LAST_ATTEMPTS + 1):
            try:
                self._send(mark)
            except psycopg2.OperationalError as error:
                reason: psycopg2.Error = error
                time.sleep(min(attempt, LONGEST_PAUSE_SECONDS))
            except psycopg2.Error as error:
                # Postgres refuses: it would do so again.
                reason = error
                break
            else:
                return True
        print(f"what the step has printed stays on its host: {reason}", file=sys.stderr)
        return False
