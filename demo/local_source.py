"""The bundled source system as a process on loopback, for `make dev` and the demo's tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_api.waiting import seen, wait_for
from dev.processes import listens, process
from operate.compose import ROOT, free_port


@contextmanager
def neighbour(folder: Path) -> Iterator[dict[str, str]]:
    """Runs the source system; yields the variable with its URL. Its log is in `folder`.

    Raises:
        WaitError: it does not listen within 30 s; the message holds its log.
    """
    port, log = free_port(), folder / "users_api.log"
    environ = {**os.environ, "USERS_API_ROWS": "10", "USERS_API_HOST": "127.0.0.1", "USERS_API_PORT": str(port)}
    with process([sys.executable, "-m", "users_api"], log, cwd=ROOT / "demo/users_api/src", env=environ):
        wait_for("a start of users_api", lambda: seen(listens(port), log.read_text() or "it says nothing"), seconds=30, every=0.1)
        yield {"USERS_API_URL": f"http://127.0.0.1:{port}"}
