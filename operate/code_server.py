"""Replaces a container that has a location's code: a second one starts beside it, and takes over when it is healthy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from dagster_api.waiting import seen, wait_for
from operate.compose import QUIET, ROOT, CommandError, compose, run
from operate.containers import containers, health_of, is_draining
from operate.locations import Location

START_SECONDS = 180
# A sensor or a schedule may take a minute by default. The server ends with its last request.
STOP_SECONDS = 65
# dagster_services.secrets.hand_out says so.
CHANGED = "its .env has changed"


def hand_out_secrets(location: Location, env: Mapping[str, str]) -> bool:
    """Gives the location its passwords and its project's `.env`; returns whether `.env` has changed."""
    said = compose(*QUIET, "run", "--rm", "--no-deps", "-T", f"{location.name}_secrets", capture=True, env=env)
    return CHANGED in said


def image_of(location: Location, tag: str) -> str:
    """The id of an image."""
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", f"{location.image}:{tag}"]
    return run(command, capture=True).strip()


def is_current(project: str, service: str, location: Location, tag: str, env: Mapping[str, str]) -> bool:
    """Whether one container serves: of this very image, and with the present text of the Compose files."""
    found = [each for each in containers(project, service) if not is_draining(each)]
    if len(found) != 1 or not found[0]["State"]["Running"] or found[0]["Image"] != image_of(location, tag):
        return False
    # `docker compose config --hash` gives another hash than the container's label, so Compose itself has to say.
    up = ["up", "--detach", "--no-deps", "--no-build", service]
    command = ["docker", "compose", "--progress", "plain", "--dry-run", *up]
    said = subprocess.run(command, cwd=ROOT, env=dict(env), text=True, capture_output=True, check=False)
    return said.returncode == 0 and "Recreate" not in said.stderr


def _health(service: str, container: str) -> str:
    """The health of a container.

    Raises:
        CommandError: it is unhealthy, or its program has ended.
    """
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    now = health_of(described) or str(described["State"]["Status"])
    if now not in {"starting", "healthy"} or described["RestartCount"]:
        logs = compose("logs", "--no-log-prefix", "--tail", "15", service, capture=True)
        raise CommandError(f"the new container of {service} is {now}, so the old one serves on: {logs}")
    return now


def _remove(found: Sequence[Mapping[str, Any]]) -> None:
    if ids := [each["Id"] for each in found]:
        run(["docker", "rm", "--force", *ids], capture=True, apart=True)


def _new(project: str, service: str, image: str, old: set[str]) -> str:
    """The id of the container that Compose has started beside the old ones."""
    new = [each for each in containers(project, service) if each["Id"] not in old]
    if [each["Image"] for each in new] != [image]:
        raise CommandError(f"Compose has not started a container of {service} with the image {image}")
    return str(new[0]["Id"])


def start_beside(project: str, service: str, image: str, env: Mapping[str, str]) -> list[str]:
    """Starts a container of the image beside the old ones, and waits until it is healthy; returns the old ones' ids.

    Raises:
        CommandError: the new one does not start; the old one serves on.
        WaitError: the same, after a while.
    """
    # Compose would start these again, with their old image.
    _remove([each for each in containers(project, service) if not each["State"]["Running"]])
    old = {each["Id"] for each in containers(project, service)}
    try:
        scale = f"{service}={len(old) + 1}"
        compose(*QUIET, "up", "--detach", "--no-deps", "--no-recreate", "--scale", scale, service, env=env)
        new = _new(project, service, image, old)
        wait_for(
            f"a healthy container of {service}",
            lambda: seen(_health(service, new) == "healthy", "it is starting"),
            seconds=START_SECONDS,
        )
    except BaseException:
        # Also after Ctrl-C: two servers under one name would answer in turn.
        _remove([each for each in containers(project, service) if each["Id"] not in old])
        raise
    return sorted(old)


def end_code_servers(ids: Sequence[str]) -> None:
    """Lets code servers finish their requests, and removes them."""
    if ids:
        run(["docker", "stop", "--time", str(STOP_SECONDS), *ids], capture=True, apart=True)
        run(["docker", "rm", *ids], capture=True, apart=True)


def drain_workers(ids: Sequence[str]) -> None:
    """Lets workers finish their runs, however long these take: they take no other run, and end.

    Docker does not restart them: `operate.containers.is_draining` knows them by that.
    """
    for each in ids:
        # It may be one of an earlier deployment, and end at this moment.
        with suppress(CommandError):
            run(["docker", "update", "--restart", "no", each], capture=True, apart=True)
            # dagster_worker.app.drain
            run(["docker", "kill", "--signal", "USR2", each], capture=True, apart=True)
