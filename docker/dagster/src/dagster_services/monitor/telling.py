"""Tells the operator about new problems, once each."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dagster_services.monitor import alertmanager, episodes
from dagster_services.monitor.alertmanager import Alert
from dagster_services.monitor.messages import MessageError, addresses, message, send
from dagster_services.monitor.problems import Problem

# An address that is away for ten minutes gets the message late; later than that, it does not get it.
MOST_TRIES = 20


@dataclass(frozen=True)
class Late:
    """A message that some addresses did not take."""

    urls: tuple[str, ...]
    title: str
    body: str
    tries: int = 1


@dataclass
class Teller:
    """The episodes that were told of, in a file, and the messages that are late."""

    urls_file: Path
    episodes_file: Path
    late: list[Late] = field(default_factory=list)
    # Alertmanager hands over several notifications at once.
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, found: Sequence[Problem], now: float, *, sees_all: bool) -> None:
        """Sends one message about the problems that are new. It is sent again to an address that did not take it.

        Raises:
            MessageError: nobody took the message: the next look tries again.
            OSError: the disk is full.
        """
        self._send_late()
        told = episodes.read(self.episodes_file)
        new = episodes.begun(told, found)
        if new:
            self._send(Late(tuple(addresses(self.urls_file)), *message(new)))
        # A problem that cannot be seen at the moment has not ended.
        kept = {} if sees_all else told
        after = {**kept, **episodes.going_on(told, found, now)}
        if after != told:
            episodes.write(self.episodes_file, after)

    def pass_on(self, found: Sequence[Alert], now: float) -> None:
        """Sends one message about alerts that have begun or ended since the last one.

        Raises:
            MessageError: nobody took the message.
            OSError: the disk is full.
        """
        with self._one_at_a_time:
            self._send_late()
            told = episodes.read(self.episodes_file)
            if new := alertmanager.news(told, found):
                self._send(Late(tuple(addresses(self.urls_file)), *alertmanager.message(new)))
                episodes.write(self.episodes_file, alertmanager.after(told, new, now))

    def _send(self, given: Late) -> None:
        print(f"monitor: {given.body}", flush=True)
        # Without an address, the log is all there is.
        failed = tuple(send(given.urls, given.title, given.body)) if given.urls else ()
        if given.urls and len(failed) == len(given.urls):
            raise MessageError("no address of ALERT_URLS_FILE has taken the message")
        if failed:
            self.late.append(Late(failed, given.title, given.body))

    def _send_late(self) -> None:
        late, self.late = self.late, []
        for each in late:
            failed = tuple(send(each.urls, each.title, each.body))
            if failed and each.tries < MOST_TRIES:
                self.late.append(Late(failed, each.title, each.body, each.tries + 1))
            elif failed:
                print(f"monitor: {len(failed)} addresses never took '{each.title}'", file=sys.stderr, flush=True)
