"""`docker compose` for this repository's deployment."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The label of every run container; its value names the Compose project. The launch gateway sets it: `mine` in policy.yaml.
PROJECT_LABEL = "dagster/project"


# Options for a command whose progress nobody needs.
QUIET = ("--progress", "quiet")


class CommandError(Exception):
    """A command failed; the message holds its output."""


def require(program: str) -> None:
    """Raises `CommandError`, with a remedy, if the program is missing."""
    if shutil.which(program) is None:
        raise CommandError(f"there is no {program} here: install it; on Debian `make up` fetches an engine, as root")


def run(
    command: list[str],
    *,
    capture: bool = False,
    env: Mapping[str, str] | None = None,
    apart: bool = False,
    folder: Path = ROOT,
) -> str:
    """Runs a command in the repository's root; returns its captured output. Ctrl-C does not reach it if `apart` is set.

    Raises:
        CommandError: its exit status is not 0, or the command is missing.
    """
    stdout = subprocess.PIPE if capture else None
    require(command[0])
    result = subprocess.run(
        command, cwd=folder, env=env, text=True, check=False, stdout=stdout, stderr=subprocess.PIPE, start_new_session=apart
    )
    if result.returncode:
        # Compose writes the log of a build to standard output.
        output = f"{result.stdout or ''}{result.stderr}".strip()[-6000:]
        raise CommandError(f"{' '.join(command[:4])} failed: {output}")
    return result.stdout or ""


def compose(*arguments: str, capture: bool = False, env: Mapping[str, str] | None = None, apart: bool = False) -> str:
    """Runs `docker compose`."""
    return run(["docker", "compose", *arguments], capture=capture, env=env, apart=apart)


def one_off(service: str, *arguments: str) -> int:
    """Runs a service once on this terminal or standard input; returns its exit status.

    Raises:
        CommandError: `docker` is missing.
    """
    require("docker")
    terminal = [] if sys.stdin.isatty() else ["--no-TTY"]
    command = ["docker", "compose", "--progress", "quiet", "run", "--rm", *terminal, service, *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def model(env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The deployment's Compose model, with all settings filled in."""
    parsed: dict[str, Any] = json.loads(compose("config", "--format", "json", capture=True, env=env))
    return parsed


def filters(project: str, service: str = "") -> list[str]:
    """Options of `docker ps` for the containers of one service or of all. Those of `docker compose run` are left out.

    `docker compose ps` reads all Compose files first: half a second for five code locations.
    """
    labels = {"project": project, "oneoff": "False", **({"service": service} if service else {})}
    return [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]


def published_url(deployment: Mapping[str, Any]) -> str | None:
    """The webserver's URL on its published port, or None behind the edge."""
    for port in deployment["services"]["webserver"].get("ports", []):
        return f"http://{port.get('host_ip', '127.0.0.1')}:{port['published']}"
    return None


def url_of(deployment: Mapping[str, Any]) -> str:
    """The URL for this machine of a deployment's webserver: its published port or, behind the edge, its container's address.

    Raises:
        CommandError: the webserver does not run.
    """
    if url := published_url(deployment):
        return url
    container = run(["docker", "ps", "--quiet", *filters(deployment["name"], "webserver")], capture=True).strip()
    if not container:
        raise CommandError("the webserver does not run: make up")
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    return f"http://{described['NetworkSettings']['Networks'][deployment['name'] + '_public']['IPAddress']}:3000"


def webserver_url(env: Mapping[str, str] | None = None) -> str:
    """`url_of` the deployment that the Compose files describe.

    Raises:
        CommandError: the webserver does not run.
    """
    return url_of(model(env))


def services() -> dict[str, dict[str, Any]]:
    """The deployment's containers by service, from `docker compose ps`."""
    lines = compose("ps", "--all", "--format", "json", capture=True).splitlines()
    return {container["Service"]: container for container in map(json.loads, lines)}


def run_containers(project: str, *, running: bool = False) -> list[str]:
    """Ids of the run containers that the deployment `project` started."""
    states = ["--filter", "status=running"] if running else []
    command = ["docker", "ps", "--all", "--quiet", "--filter", f"label={PROJECT_LABEL}={project}", *states]
    return run(command, capture=True).split()


def free_port() -> int:
    """A port on loopback that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
