"""A channel on loopback that takes messages, or refuses them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Inbox:
    """Describes a channel that takes messages, or refuses them."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        """Starts an HTTP server on an address of this machine. Apprise knows it as json://."""
        self.host = host
        self.messages: list[dict[str, Any]] = []
        self.pings: list[str] = []
        self.status = 200
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                inbox.pings.append(self.path)
                self.send_response(inbox.status)
                self.end_headers()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if inbox.status == 200:
                    inbox.messages.append(body)
                self.send_response(inbox.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Writes no log line."""

        self.server = ThreadingHTTPServer((host, 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}).start()

    @property
    def url(self) -> str:
        """Returns the address for Apprise."""
        return f"json://{self.host}:{self.server.server_port}"

    @property
    def switch(self) -> str:
        """Returns the address of a dead man's switch, which keeps the requests in `pings`."""
        return f"http://{self.host}:{self.server.server_port}/ping"

    def close(self) -> None:
        """Stops the server."""
        self.server.shutdown()
        self.server.server_close()

    @property
    def titles(self) -> list[str]:
        """Returns the titles of the messages that it took."""
        return [each["title"] for each in self.messages]
