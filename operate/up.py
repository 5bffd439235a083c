"""`make up` starts the deployment. Before that it provides a missing engine and base images, and runs the preflight.

It writes its decisions to `.env`, so that plain `docker compose` commands work afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster_api.client import Client
from dagster_api.loading import wait_until_loaded
from dagster_api.waiting import WaitError
from operate.compose import ROOT, CommandError, code_server_start, compose, model, published_url, run, webserver_url
from operate.overlays import BASE, compose_files
from operate.preflight import check_deployment

OFFLINE = ROOT / "docker/offline"
# A reachable registry returns the manifest in a second or two; a firewall drops packets.
REGISTRY_SECONDS = 30
HTTPS = 443


def missing_settings(env: Mapping[str, str], decided: str) -> str:
    """The lines of `decided` whose variable is not in `env`."""
    return "".join(f"{line}\n" for line in decided.splitlines() if line.split("=", 1)[0] not in env)


def add_to_env(path: Path, decided: str) -> None:
    """Appends settings to a .env file, except those that it already sets."""
    text = path.read_text() if path.exists() else ""
    if new := missing_settings(settings(path), decided):
        gap = "\n" if text and not text.endswith("\n") else ""
        path.write_text(f"{text}{gap}# Decided by `make up`.\n{new}")


def settings(path: Path) -> dict[str, str]:
    """The variables that a .env file sets."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip() for name, value in pairs}


def choose_files(path: Path, environ: Mapping[str, str]) -> None:
    """Writes COMPOSE_FILE to .env if variables such as RUN_ISOLATION or EDGE change it.

    Raises:
        OverlayError: a variable's value is not allowed.
    """
    given = settings(path)
    before = given.get("COMPOSE_FILE", BASE)
    after = compose_files(before, {**given, **environ})
    if after == before:
        return
    kept = [line for line in path.read_text().splitlines() if not line.startswith("COMPOSE_FILE=")] if path.exists() else []
    path.write_text("\n".join([*kept, f"COMPOSE_FILE={after}", ""]))


def base_images(services: Mapping[str, Any]) -> list[str]:
    """The deployment's base images, which nothing here builds."""
    edge = [services["edge"]["build"]["args"]["CADDY_IMAGE"]] if "edge" in services else []
    return [services["user_code"]["build"]["args"]["PYTHON_IMAGE"], services["postgres"]["image"], *edge]


def address() -> str:
    """The UI's address for people."""
    edge = model()["services"].get("edge")
    if edge is None:
        return webserver_url().replace("127.0.0.1", "localhost")
    port = next(port["published"] for port in edge["ports"] if port["target"] == HTTPS)
    return f"https://{edge['environment']['EDGE_DOMAIN']}{'' if port == str(HTTPS) else f':{port}'}"


def available(image: str) -> bool:
    """Whether an image is present; pulls it if it is not."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        return True
    print(f"up: looking for {image}", file=sys.stderr)
    try:
        manifest = ["docker", "manifest", "inspect", image]
        if subprocess.run(manifest, capture_output=True, timeout=REGISTRY_SECONDS, check=False).returncode:
            return False
    except subprocess.TimeoutExpired:
        return False
    return subprocess.run(["docker", "pull", "--quiet", image], stdout=subprocess.DEVNULL, check=False).returncode == 0


def ensure_base_images(env: Mapping[str, str]) -> None:
    """Builds the base images of docker/offline if the official ones are not available.

    Raises:
        CommandError: they cannot be built.
    """
    services = model(env)["services"]
    if all(available(image) for image in base_images(services)):
        return
    print("up: the image registry cannot be reached: building base images from Debian's packages (40 s)", file=sys.stderr)
    edge = ["edge"] if "edge" in services else []
    add_to_env(ROOT / ".env", run([str(OFFLINE / "base_images.sh"), *edge], capture=True))


def start() -> None:
    """Builds and starts the containers, and waits until the webserver has loaded the code location.

    Raises:
        CommandError: Compose failed; the state of the containers is printed.
        WaitError: the code location is not loaded; the state of the containers is printed.
    """
    try:
        compose("build", "--quiet")
        compose("up", "--detach", "--wait", "--quiet-pull", "--remove-orphans", env={**os.environ, "COMPOSE_PROGRESS": "quiet"})
        # Behind the edge, a host with a rootless engine or Docker Desktop cannot reach the webserver.
        if url := published_url(model()):
            wait_until_loaded(Client(url), since=code_server_start())
    except (CommandError, WaitError):
        # If Compose rejects the settings, these commands fail too: the error says why.
        with suppress(CommandError):
            print(compose("ps", "--all", capture=True), compose("logs", "--tail", "15", capture=True), file=sys.stderr)
        raise


def main(_: list[str]) -> int:
    """Brings the deployment up; returns the exit status.

    Raises:
        CommandError: the engine or Compose refused a step.
        OverlayError: a variable such as EDGE has a value that is not allowed.
        WaitError: the code location is not loaded.
    """
    choose_files(ROOT / ".env", os.environ)
    # It prints its own reason.
    if status := subprocess.run([str(OFFLINE / "engine.sh"), "start"], check=False).returncode:
        return status
    # The second check compares the Postgres image's major version with the data's: the image is present then.
    if not check_deployment():
        return 1
    ensure_base_images(os.environ)
    if not check_deployment():
        return 1
    start()
    print(f"Dagster runs: {address()}")
    return 0
