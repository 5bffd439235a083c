"""Waits with a deadline; its error holds the last state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


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


def wait_for(what: str, poll: Callable[[], T], *, seconds: float, every: float = 0.25) -> T:
    """Calls `poll` until it returns; returns its result. While `poll` raises NotYetError, it is called again.

    Raises:
        WaitError: `poll` did not return within `seconds`; the message holds its last error.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return poll()
        except NotYetError as error:
            if time.monotonic() >= deadline:
                raise WaitError(f"{what} did not happen within {seconds:g} s: {error}") from error
        time.sleep(every)
