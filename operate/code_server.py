"""Replaces the container of a code server: a second one starts beside it, and takes over when it is healthy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from dagster_api.waiting import seen, wait_for
from operate.compose import QUIET, ROOT, CommandError, compose, run
from operate.containers import containers, health_of
from operate.locations import Location

START_SECONDS = 180
# A sensor or a schedule may take a minute by default. The server ends with its last request.
STOP_SECONDS = 65


def image_of(location: Location, tag: str) -> str:
    """The id of an image."""
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", f"{location.image}:{tag}"]
    return run(command, capture=True).strip()


def is_current(project: str, location: Location, tag: str, env: Mapping[str, str]) -> bool:
    """Whether one container serves: of this very image, and with the present text of the Compose files."""
    found = containers(project, location.name)
    if len(found) != 1 or not found[0]["State"]["Running"] or found[0]["Image"] != image_of(location, tag):
        return False
    # `docker compose config --hash` gives another hash than the container's label, so Compose itself has to say.
    up = ["up", "--detach", "--no-deps", "--no-build", location.name]
    command = ["docker", "compose", "--progress", "plain", "--dry-run", *up]
    said = subprocess.run(command, cwd=ROOT, env=dict(env), text=True, capture_output=True, check=False)
    return said.returncode == 0 and "Recreate" not in said.stderr


def _health(location: Location, container: str) -> str:
    """The health of a container.

    Raises:
        CommandError: it is unhealthy, or its program has ended.
    """
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    now = health_of(described) or str(described["State"]["Status"])
    if now not in {"starting", "healthy"} or described["RestartCount"]:
        logs = compose("logs", "--no-log-prefix", "--tail", "15", location.name, capture=True)
        raise CommandError(f"the new code server of {location.name} is {now}, so the old one serves on: {logs}")
    return now


def _remove(found: Sequence[Mapping[str, Any]]) -> None:
    if ids := [each["Id"] for each in found]:
        run(["docker", "rm", "--force", *ids], capture=True, apart=True)


def _new(project: str, location: Location, tag: str, old: set[str]) -> str:
    """The id of the container that Compose has started beside the old ones."""
    new = [each for each in containers(project, location.name) if each["Id"] not in old]
    if [each["Image"] for each in new] != [image_of(location, tag)]:
        raise CommandError(f"Compose has not started a code server of the image {location.image}:{tag}")
    return str(new[0]["Id"])


def replace(project: str, location: Location, tag: str, env: Mapping[str, str]) -> None:
    """Starts a code server of the image `tag`. When it is healthy, the old one finishes its requests and stops.

    Raises:
        CommandError: the new one does not start; the old one serves on.
        WaitError: the same, after a while.
    """
    # Compose would start these again, with their old image.
    _remove([each for each in containers(project, location.name) if not each["State"]["Running"]])
    old = {each["Id"] for each in containers(project, location.name)}
    try:
        scale = f"{location.name}={len(old) + 1}"
        up = (*QUIET, "up", "--detach", "--no-deps", "--no-recreate", "--scale", scale, location.name)
        compose(*up, env=env)
        new = _new(project, location, tag, old)
        wait_for(
            f"a healthy code server {location.name}",
            lambda: seen(_health(location, new) == "healthy", "it is starting"),
            seconds=START_SECONDS,
            every=0.25,
        )
    except BaseException:
        # Also after Ctrl-C: two servers under one name would answer in turn.
        _remove([each for each in containers(project, location.name) if each["Id"] not in old])
        raise
    if old:
        run(["docker", "stop", "--time", str(STOP_SECONDS), *sorted(old)], capture=True, apart=True)
        run(["docker", "rm", *sorted(old)], capture=True, apart=True)
