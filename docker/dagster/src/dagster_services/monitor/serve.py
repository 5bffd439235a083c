"""The service `monitor` with MONITORING=1: Prometheus takes metrics from it, and Alertmanager hands it messages to send."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest

from dagster_services.monitor.alertmanager import alerts
from dagster_services.monitor.gauges import Gauges
from dagster_services.monitor.looking import Looker
from dagster_services.monitor.messages import MessageError, addresses
from dagster_services.monitor.telling import Teller
from dagster_services.monitor.totals import Totals
from dagster_services.monitor.watch import EPISODES, LOOKED

PORT = 9101
# Prometheus asks as often.
LOOK_SECONDS = 10
PING_SECONDS = 10
MOST_BYTES = 10**6


def pass_on(teller: Teller, body: bytes) -> None:
    """Sends what a notification has of news.

    Raises:
        MessageError: nobody took it: Alertmanager tries again.
        ValueError: it is no notification.
    """
    try:
        found = alerts(json.loads(body))
    except (KeyError, TypeError) as error:
        raise ValueError("this is no notification of Alertmanager") from error
    teller.pass_on(found, time.time())


def ping(file: Path) -> None:
    """Asks the address of the dead man's switch, if there is one. It alerts when these requests end.

    Raises:
        MessageError: the address does not answer.
    """
    for url in addresses(file):
        try:
            with urlopen(url, timeout=PING_SECONDS):  # noqa: S310 - the operator's address
                pass
        except (OSError, ValueError) as error:
            raise MessageError(f"the address in DEAD_MAN_URL_FILE does not answer: {type(error).__name__}") from error


class Server(ThreadingHTTPServer):
    """Answers GET with the metrics, and a POST with what its path's function does."""

    def __init__(self, address: tuple[str, int], metrics: Callable[[], bytes], posts: dict[str, Callable[[bytes], None]]) -> None:
        """Listens on an address."""
        super().__init__(address, Handler)
        self.metrics, self.posts = metrics, posts


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Answers with the metrics."""
        if self.path == "/metrics":
            self.answer(200, self.server.metrics(), CONTENT_TYPE_LATEST)
        else:
            self.answer(404, b"There is /metrics only.\n")

    def do_POST(self) -> None:
        """Acts, and answers with the reason if that failed: Alertmanager posts again."""
        act, length = self.server.posts.get(self.path), int(self.headers.get("Content-Length", 0))
        if act is None or length > MOST_BYTES:
            self.answer(404, b"Alertmanager posts to /alerts and /watchdog.\n")
            return
        status, said = outcome(act, self.rfile.read(length))
        if said:
            print(f"monitor: {said}", file=sys.stderr, flush=True)
        self.answer(status, said.encode())

    def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        """Sends an answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Writes no line for each request."""


def outcome(act: Callable[[bytes], None], body: bytes) -> tuple[int, str]:
    """The status of an answer, and the reason if the act failed."""
    try:
        act(body)
    except ValueError as error:
        return 400, f"{error}\n"
    except (MessageError, OSError) as error:
        return 502, f"{error}\n"
    return 200, ""


def main() -> None:
    """Looks and serves until it is told to end."""
    ending = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ending.set())
    teller = Teller(Path(os.environ["ALERT_URLS_FILE"]), EPISODES)
    # Another series for each counter and histogram, which nothing here uses.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    looker, totals, gauges = Looker(os.environ, has_history=True), Totals(), Gauges()
    totals.registry.register(gauges)
    posts: dict[str, Callable[[bytes], None]] = {
        "/alerts": lambda body: pass_on(teller, body),
        "/watchdog": lambda _: ping(Path(os.environ["DEAD_MAN_URL_FILE"])),
    }
    server = Server((os.environ["LISTEN_ON"], PORT), lambda: generate_latest(totals.registry), posts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while not ending.is_set():
        found = looker.look(time.time())
        totals.count(found, looker.history, looker.reader.new_ticks)
        gauges.found, gauges.past = found, looker.history
        LOOKED.touch()
        ending.wait(LOOK_SECONDS)
    server.shutdown()


if __name__ == "__main__":
    main()
