"""Waiting with a deadline, and an error that says what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class WaitError(Exception):
    """A deadline passed; the message holds what was waited for and the last state."""


class NotYetError(Exception):
    """What is waited for has not happened yet; the message holds what was seen instead."""


def seen(result: T | None, instead: object) -> T:
    """`result`, if it is there.

    Raises:
        NotYetError: it is None or False; the message is `instead`.
    """
    if result is None or result is False:
        raise NotYetError(instead)
    return result


def wait_for(what: str, poll: Callable[[], T], *, seconds: float, every: float = 0.25) -> T:
    """Polls until `poll` returns, and returns what it did. While it raises NotYetError it is asked again.

    Raises:
        WaitError: it did not return within `seconds`; the message holds what it raised last.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return poll()
        except NotYetError as error:
            if time.monotonic() >= deadline:
                raise WaitError(f"{what} did not happen within {seconds:g} s: {error}") from error
        time.sleep(every)
