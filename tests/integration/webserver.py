"""Starts the shipped webserver as a process: it changes how Dagster reads, which must not affect other tests."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import connect

from dagster_api.waiting import NotYetError, wait_for
from dev.processes import process

PROTOCOL: Any = ["graphql-ws"]


@dataclass
class Webserver:
    """Sends requests to the running process."""

    address: str
    pid: int
    logs: Path

    def get(self, path: str, **options: Any) -> requests.Response:
        """Returns the answer to a GET request."""
        return requests.get(f"http://{self.address}:3000{path}", timeout=60, **options)

    def answer(self, query: str, **variables: Any) -> requests.Response:
        """Returns the answer to a GraphQL query, whatever its status."""
        url = f"http://{self.address}:3000/graphql"
        return requests.post(url, json={"query": query, "variables": variables}, timeout=60)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Returns the data of an answer with status 200."""
        answer = self.answer(query, **variables)
        assert answer.status_code == 200, answer.text[:2000]
        data: dict[str, Any] = answer.json()["data"]
        return data

    def followed(self, query: str, **variables: Any) -> Iterator[dict[str, Any]]:
        """Yields the messages of a subscription until it is complete."""
        with connect(f"ws://{self.address}:3000/graphql", subprotocols=PROTOCOL, max_size=None) as socket:
            socket.send(json.dumps({"type": "connection_init"}))
            socket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": query, "variables": variables}}))
            for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    return
                if message["type"] != "connection_ack":
                    yield message["payload"]

    def megabytes(self) -> int:
        """Returns the peak memory of the process in MiB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def webserver(folder: Path, environ: dict[str, str], *options: str) -> Iterator[Webserver]:
    """Starts the process on its own loopback address, with the code locations of `folder/workspace.yaml`."""
    address = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}.{random.randrange(1, 255)}"  # noqa: S311
    settings = {**environ, "LISTEN_ON": address, "WEBSERVER_BIND": "127.0.0.1"}
    command = [sys.executable, "-m", "dagster_services.webserver.start", *options]
    with process(command, folder / "webserver.log", cwd=folder, env=settings) as child:
        running = Webserver(address, child.pid, Path(environ["DAGSTER_HOME"]) / "compute_logs")

        def answers() -> bool:
            try:
                return running.get("/server_info").ok
            except requests.ConnectionError as error:
                raise NotYetError(error) from error

        wait_for("an answer of the webserver", answers, seconds=60, every=0.2)
        yield running
