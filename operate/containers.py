"""The containers of the deployment's services, as the engine describes them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from operate.compose import CommandError, filters, run

Container = dict[str, Any]


def containers(project: str, service: str = "") -> list[Container]:
    """The containers of one service or of all, running or not. Those of `docker compose run` are left out."""
    chosen = filters(project, service)
    try:
        return _described(chosen)
    except CommandError:
        # One may vanish between the two commands: `make deploy` removes an old code server.
        return _described(chosen)


def _described(chosen: Sequence[str]) -> list[Container]:
    ids = run(["docker", "ps", "--all", "--quiet", *chosen], capture=True).split()
    found: list[Container] = json.loads(run(["docker", "inspect", *ids], capture=True)) if ids else []
    return found


def code_server_start(project: str, location: str) -> float:
    """The start time of the code server of a code location: seconds since 1970, by the engine's clock.

    Raises:
        CommandError: the code server does not run.
    """
    started = [each["State"]["StartedAt"] for each in containers(project, location) if each["State"]["Running"]]
    if not started:
        raise CommandError(f"the code server {location} does not run: make up")
    return max(datetime.fromisoformat(each).timestamp() for each in started)


def service_of(container: Container) -> str:
    """The name of the service."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def health_of(container: Container) -> str:
    """The result of its health checks, or nothing: an operator's own services need none."""
    return str(container["State"].get("Health", {}).get("Status", ""))


def last_words(project: str) -> str:
    """The last line of each container that has failed: a reason in one sentence."""
    ends = [(each, end) for each in containers(project) if (end := failure(each))]
    return "; ".join(f"{service_of(each)} {end}: {_last_line(each['Id'])}" for each, end in ends)


def failure(container: Container) -> str:
    """How it has failed, or nothing. Docker forgets the exit code as soon as it has restarted the container."""
    if status := container["State"]["ExitCode"]:
        return f"has ended with {status}"
    return "has ended and was restarted" if container["RestartCount"] and not is_well(container) else ""


def _last_line(container: str) -> str:
    command = ["docker", "logs", "--tail", "5", container]
    ended = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return next((line for line in reversed(ended.stdout.splitlines()) if line.strip()), "it has printed nothing")


def is_draining(container: Container) -> bool:
    """Whether Docker does not restart it when it ends."""
    return bool(container["HostConfig"]["RestartPolicy"]["Name"] == "no")


def is_well(container: Container) -> bool:
    """Whether it is in its right state: a service that never restarts may have exited with 0.

    A worker of an old image, which only finishes its runs, does not restart either.
    """
    state = container["State"]
    if is_draining(container):
        return bool(state["ExitCode"] == 0)
    return state["Status"] == "running" and health_of(container) in {"", "healthy"}
