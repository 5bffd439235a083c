"""All tiers share these fixtures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import hypothesis
import pytest

from operate.compose import ROOT

# The files that take longest start first.
FIRST = (
    "tests/stack/",
    "tests/demo/stack/",
    "tests/locations/",
    "tests/login/",
    "tests/drills/workers/",
    "tests/drills/backup/",
    "tests/demo/drills/upgrade/",
    "tests/demo/drills/offsite/",
    "tests/demo/drills/",
    "tests/integration/",
    "tests/demo/integration/",
    "tests/demo/test_without_demo.py",
    "tests/demo/",
)
# It changes its copy, so it comes last in its folder: no other file needs the copy as it was.
CHANGING = "tests/stack/test_own_code.py"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Returns the scheduler of `tests/lanes.py`."""
    from tests.lanes import Lanes

    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the tests by `FIRST` and `CHANGING`."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        path = item.path.relative_to(ROOT).as_posix()
        first = next((number for number, start in enumerate(FIRST) if path.startswith(start)), len(FIRST))
        return first, path == CHANGING

    items.sort(key=place)


def setting_names() -> list[str]:
    """Returns the names of the settings that the code location lists in its settings.env."""
    lines = (ROOT / "user_code/settings.env").read_text().splitlines()
    return [line.partition("=")[0] for line in lines if line and not line.startswith("#")]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsets the settings of the developer's shell, because they must not decide a test."""
    for name in ["DAGSTER_HOME", "WAREHOUSE_HOST", "WAREHOUSE_PORT", "ALERT_URLS_FILE", *setting_names()]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@dataclass
class Source:
    """Describes a source system that answers as the test says.

    Each request takes the next `(status, body)` of `answers`. The last one repeats.
    """

    url: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def answer(self, payload: Any, status: int = 200) -> None:
        """Adds an answer. Bytes are sent as they are, and any other value as JSON."""
        self.answers.append((status, payload if isinstance(payload, bytes) else json.dumps(payload).encode()))


@pytest.fixture
def source() -> Iterator[Source]:
    """Yields a source system that is a real HTTP server on loopback."""
    state = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            status, body = state.answers[min(len(state.requests), len(state.answers)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Writes no log line."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def repository_text(path: str) -> str:
    """Returns the text of a file of this repository."""
    return (ROOT / path).read_text()


os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
# The first example also waits for imports, and other programs may slow the machine down.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def age() -> None:
    """Installs age if it is missing."""
    if shutil.which("age") is None:
        subprocess.run(["apt-get", "update", "-qq"], check=True, capture_output=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "age"], check=True, capture_output=True)
