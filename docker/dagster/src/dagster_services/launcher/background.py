"""Looks after a run in the background, while the thread that launched or stopped it goes on."""

import logging
import threading
import time
from collections.abc import Callable

# A run in a container starts in two to four seconds. Each look costs a query and one or two calls of engine or broker.
LOOK_EVERY_SECONDS = 2
logger = logging.getLogger(__name__)


def in_background(act: Callable[[], bool], seconds: float, every: float = LOOK_EVERY_SECONDS) -> None:
    """Repeats `act` until it returns True. A failure is retried: the gateway or the broker may be restarting."""

    def acting() -> None:
        deadline = time.monotonic() + seconds
        done = False
        while not done and time.monotonic() < deadline:
            time.sleep(every)
            try:
                done = act()
            except Exception:
                logger.exception("cannot look after a run")

    threading.Thread(target=acting, daemon=True).start()
