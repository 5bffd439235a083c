"""A copy of this deployment with the code location of this folder."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagster_api.client import Client
from dagster_api.loading import wait_until_loaded
from operate.compose import compose, free_port, model, run
from operate.containers import code_server_start
from operate.locations import locations
from operate.lock import write_lock
from operate.overlays import BASE
from operate.up import ensure_base_images

PROJECT = "bench_grown"
LOCATION = "user_code"
CODE = Path(__file__).with_name("project")


@dataclass(frozen=True)
class Copy:
    """The running copy: its environment for `docker compose`, and its address."""

    environ: dict[str, str]
    url: str

    @property
    def client(self) -> Client:
        """The client of its API."""
        return Client(self.url, LOCATION)

    def up(self, assets: int, evaluated_by: str = "daemon") -> None:
        """Starts it with so many assets, whose automation the daemon or the code server evaluates; waits until they are loaded.

        Raises:
            CommandError: a service does not become healthy.
        """
        self.environ.update(GROWN_ASSETS=str(assets), GROWN_EVALUATED_BY=evaluated_by)
        compose("up", "--detach", "--wait", env=self.environ)
        wait_until_loaded(self.client, since=code_server_start(self.environ["COMPOSE_PROJECT_NAME"], LOCATION))


def overlay(folder: Path) -> Path:
    """Writes the Compose file that gives the project to the code location."""
    contexts = {"project": str(CODE), "location": str(folder)}
    service = {"build": {"additional_contexts": contexts}, "environment": dict.fromkeys(("GROWN_ASSETS", "GROWN_EVALUATED_BY"))}
    file = folder / "grown.yml"
    file.write_text(json.dumps({"services": {LOCATION: service}}))
    return file


@contextmanager
def grown_copy(assets: int) -> Iterator[Copy]:
    """Builds and starts the copy, and removes it with its data. It needs no deployment.

    Raises:
        CommandError: it does not start.
    """
    ensure_base_images(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        names = {"COMPOSE_PROJECT_NAME": PROJECT, "WEBSERVER_PORT": str(port), "USER_CODE_TAG": "local"}
        settings = {"COMPOSE_FILE": f"{BASE}:{overlay(Path(folder))}", "RUN_ISOLATION": "container", "COMPOSE_PROGRESS": "quiet"}
        copy = Copy({**os.environ, **names, **settings}, f"http://127.0.0.1:{port}")
        try:
            for location in locations(model(copy.environ)):
                write_lock(location)
            compose("build", "--quiet", env=copy.environ)
            copy.up(assets)
            yield copy
        finally:
            run([sys.executable, "-m", "operate", "destroy", "--yes"], env=copy.environ)
