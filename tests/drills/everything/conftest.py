"""These drills have a copy of the deployment with every overlay that one machine can have at once, and LOG_FORMAT=json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from operate.compose import free_port, webserver_url
from operate.overlays import BACKUP, BASE, EDGE, MONITORING, WORKER, WORKER_GATEWAY
from tests.stack.conftest import CODE, SETTINGS, VARIABLES, Stack, copy_of_the_deployment, still
from tests.stack.hosting import overlay

__all__ = ["still"]
PROJECT = f"everything_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
# Those that docker-compose.yml does not have.
OF_OVERLAYS = (
    "alertmanager",
    "backup",
    "broker",
    "edge",
    "login",
    "pool_exporter",
    "postgres_exporter",
    "prometheus",
    "run_pool_exporter",
    "user_code_worker",
    "webserver_viewers",
    "worker_gateway",
)
PORTS = ("EDGE_HTTPS_PORT", "EDGE_HTTP_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "WORKER_GATEWAY_PORT")


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yields the copy, with the code location of the stack tests. Its probes run every ten seconds, to wait for less."""
    folder = tmp_path_factory.mktemp("code_location")
    often = folder / "often.yml"
    often.write_text(json.dumps({"services": {name: {"healthcheck": {"interval": "10s"}} for name in OF_OVERLAYS}}))
    files = (BASE, WORKER, MONITORING, WORKER_GATEWAY, BACKUP, EDGE, overlay(CODE, folder, environment=VARIABLES), str(often))
    settings = {
        **SETTINGS,
        "COMPOSE_FILE": ":".join(files),
        "RUN_ISOLATION": "worker",
        "LOG_FORMAT": "json",
        "EDGE_BIND": "127.0.0.1",
        # Nobody asks for it here.
        "WORKER_GATEWAY_ADDRESS": "127.0.0.1",
        **{name: str(free_port()) for name in PORTS},
    }
    with copy_of_the_deployment(PROJECT, request.session, settings) as stack:
        # The edge is for people.
        stack.url = webserver_url(stack.environ)
        yield stack
