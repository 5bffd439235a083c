"""Removes ended containers of runs. Each keeps its log until then: up to 30 MB."""

from __future__ import annotations

import time

from docker.client import DockerClient

from dagster_services.maintenance.parts import Removed

# Until then `docker logs` shows all that one has printed.
KEPT_SECONDS = 86_400


def remove_ended(*, counts_only: bool) -> Removed:
    """Removes them through the launch gateway, which lists only those of this deployment.

    Raises:
        docker.errors.DockerException: gateway or engine do not answer.
    """
    api = DockerClient.from_env(timeout=60).api
    until = time.time() - KEPT_SECONDS
    found = api.containers(all=True, filters={"status": ["exited"]})
    old = [each["Id"] for each in found if each["Created"] < until]
    if not counts_only:
        for container in old:
            api.remove_container(container)
    return Removed(len(old))
