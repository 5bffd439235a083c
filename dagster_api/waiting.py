"""Waits with a deadline; its error holds the last state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 2.0


class WaitError(Exception):
    """A deadline passed; the message names the expected event and the last state."""


class NotYetError(Exception):
    """The expected event has not happened yet; the message holds the current state."""


def seen(result: T | None, instead: object) -> T:
    """Returns `result` unless it is None or False.

    Raises:
        NotYetError: it is None or False; the message is `instead`.
    """
    if result is None or result is False:
        raise NotYetError(instead)
    return result


def pause(waited: float) -> float:
    """The seconds until the next poll. A long wait asks less often: each question costs the webserver CPU."""
    return min(max(SHORTEST_PAUSE, waited / 10), LONGEST_PAUSE)


def wait_for(what: str, poll: Callable[[], T], *, seconds: float, every: float | None = None) -> T:
    """Calls `poll` until it returns; returns its result. While `poll` raises NotYetError, it is called again.

    Without `every`, the pauses grow from a quarter of a second to two seconds.

    Raises:
        WaitError: `poll` did not return within `seconds`; the message holds its last error.
    """
    begin = time.monotonic()
    while True:
        try:
            return poll()
        except NotYetError as error:
            if (waited := time.monotonic() - begin) >= seconds:
                raise WaitError(f"{what} did not happen within {seconds:g} s: {error}") from error
        time.sleep(min(pause(waited) if every is None else every, seconds - waited))
