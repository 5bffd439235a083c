"""A second copy of this deployment with the settings of Dagster's own Docker example, to compare with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from operate.compose import compose, free_port, run
from operate.overlays import BASE

PROJECT = "bench_official"


def environment(port: int) -> Mapping[str, str]:
    """The environment that points `docker compose` at the copy instead of the deployment, whose overlays it has not."""
    copy = {"COMPOSE_PROJECT_NAME": PROJECT, "WEBSERVER_PORT": str(port), "COMPOSE_FILE": BASE, "RUN_ISOLATION": "container"}
    return {**os.environ, **copy, "COMPOSE_PROGRESS": "quiet"}


@contextmanager
def official_deployment() -> Iterator[str]:
    """Builds and starts the copy, and removes it with its data."""
    port = free_port()
    ours = environment(port)
    theirs = {**ours, "COMPOSE_FILE": f"{BASE}:bench/official_settings/compose.yml"}
    try:
        compose("build", "--quiet", env=ours)
        compose("build", "--quiet", env=theirs)
        compose("up", "--detach", "--wait", env=theirs)
        yield f"http://127.0.0.1:{port}"
    finally:
        run([sys.executable, "-m", "operate", "destroy", "--yes"], env=theirs)
