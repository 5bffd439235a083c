"""The service `monitor`: looks twice a minute, and sends a message about each problem that begins."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from dagster_services.monitor.looking import Looker
from dagster_services.monitor.messages import MessageError, addresses
from dagster_services.monitor.problems import problems
from dagster_services.monitor.telling import Teller

LOOK_SECONDS = 30
MOST_PATIENCE = 86_400
# The health check reads its age.
LOOKED = Path("/tmp/looked")  # noqa: S108 - a container of its own
# The health check prints the reason why the last message was not sent.
FAILED = Path("/tmp/failed")  # noqa: S108
EPISODES = Path("/var/lib/dagster/monitor/episodes.json")


def patience(environ: Mapping[str, str]) -> int:
    """The setting ALERT_PATIENCE_SECONDS.

    Raises:
        SystemExit: it is not allowed.
    """
    value = environ["ALERT_PATIENCE_SECONDS"]
    if not (value.isascii() and value.isdigit() and int(value) <= MOST_PATIENCE):
        sys.exit(f"monitor: ALERT_PATIENCE_SECONDS is '{value}', but must be a whole number from 0 to {MOST_PATIENCE}")
    return int(value)


def look_once(looker: Looker, teller: Teller, seconds: int) -> None:
    """Looks, and tells. Without an address it does not even look.

    Raises:
        MessageError: a message was not sent.
        OSError: the disk is full.
    """
    if addresses(teller.urls_file):
        now = time.time()
        found = list(problems(looker.look(now), now, seconds))
        teller.tell(found, now, sees_all=looker.sees_all)


def main() -> None:
    """Looks until it is told to end."""
    ending = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ending.set())
    seconds = patience(os.environ)
    looker, teller = Looker(os.environ), Teller(Path(os.environ["ALERT_URLS_FILE"]), EPISODES)
    while not ending.is_set():
        try:
            look_once(looker, teller, seconds)
            FAILED.unlink(missing_ok=True)
        except (MessageError, OSError) as error:
            print(f"monitor: {error}", file=sys.stderr, flush=True)
            FAILED.write_text(f"{error}\n")
        LOOKED.touch()
        ending.wait(LOOK_SECONDS)


if __name__ == "__main__":
    main()
