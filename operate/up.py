"""`make up` starts the deployment. Before that it provides a missing engine and base images, and runs the preflight.

It writes its decisions to `.env`, so that plain `docker compose` commands work afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster_api.client import ApiError
from dagster_api.waiting import WaitError
from dagster_api.workspace import reload_workspace
from operate import unfinished
from operate.alone import alone
from operate.compose import ROOT, CommandError, compose, model, published_url, run, url_of
from operate.containers import last_words
from operate.env_file import add_to_env, env_file, replace_in_env, settings
from operate.health import wait_until_healthy
from operate.images import build
from operate.locations import locations
from operate.offsite_mounts import write_mounts
from operate.overlays import BASE, WORKER, compose_files
from operate.preflight import check_deployment
from operate.recorded import check_same_dagster, record
from operate.worker_size import size_workers
from operate.workspace import load_workspace

OFFLINE = ROOT / "docker/offline"
# A reachable registry returns the manifest in a second or two; a firewall drops packets.
REGISTRY_SECONDS = 30
HTTPS = 443
# The images of docker/monitoring/Dockerfile.
MONITORING = ("PROMETHEUS_IMAGE", "ALERTMANAGER_IMAGE", "POSTGRES_EXPORTER_IMAGE", "PGBOUNCER_EXPORTER_IMAGE")


def choose_files(path: Path, environ: Mapping[str, str]) -> None:
    """Writes COMPOSE_FILE to .env if variables such as RUN_ISOLATION or EDGE change it.

    Raises:
        OverlayError: a variable's value is not allowed.
    """
    given = settings(path)
    before = given.get("COMPOSE_FILE", BASE)
    after = compose_files(before, {**given, **environ})
    # The Compose files of code locations select theirs by RUN_ISOLATION: overlays cannot name them.
    isolation = "worker" if WORKER in after.split(":") else "container"
    if (after, isolation) != (before, given.get("RUN_ISOLATION", "container")):
        replace_in_env(path, {"COMPOSE_FILE": after, "RUN_ISOLATION": isolation})
    write_mounts(after)


def base_images(services: Mapping[str, Any]) -> list[str]:
    """The deployment's base images, which nothing here builds."""
    edge = [services["edge"]["build"]["args"]["CADDY_IMAGE"]] if "edge" in services else []
    broker = [services["broker"]["image"]] if "broker" in services else []
    given = services["prometheus"]["build"]["args"] if "prometheus" in services else {}
    monitoring = [image for name, image in given.items() if name in MONITORING]
    return [services["secrets"]["build"]["args"]["PYTHON_IMAGE"], services["postgres"]["image"], *edge, *broker, *monitoring]


def address(deployment: Mapping[str, Any]) -> str:
    """The UI's address for people."""
    edge = deployment["services"].get("edge")
    if edge is None:
        return url_of(deployment).replace("127.0.0.1", "localhost")
    port = next(port["published"] for port in edge["ports"] if port["target"] == HTTPS)
    return f"https://{edge['environment']['EDGE_DOMAIN']}{'' if port == str(HTTPS) else f':{port}'}"


def is_present(image: str) -> bool:
    """Whether the engine has an image."""
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def pulled(image: str) -> bool:
    """Pulls an image; returns whether that succeeded."""
    print(f"up: looking for {image}", file=sys.stderr)
    try:
        manifest = ["docker", "manifest", "inspect", image]
        if subprocess.run(manifest, capture_output=True, timeout=REGISTRY_SECONDS, check=False).returncode:
            return False
    except subprocess.TimeoutExpired:
        return False
    return subprocess.run(["docker", "pull", "--quiet", image], stdout=subprocess.DEVNULL, check=False).returncode == 0


def check_grafana(services: Mapping[str, Any]) -> None:
    """Raises CommandError if Grafana is wanted and its image is not available: nothing here can stand in for it."""
    if "grafana" not in services:
        return
    image = services["grafana"]["build"]["args"]["GRAFANA_IMAGE"]
    if not is_present(image) and not pulled(image):
        raise CommandError(
            f"Grafana's image {image} cannot be pulled, and no package holds Grafana: "
            "set GRAFANA_IMAGE to one that can be pulled, or go on with GRAFANA=0."
        )


def ensure_base_images(env: Mapping[str, str]) -> bool:
    """Pulls missing base images, or builds those of docker/offline in their place; returns whether one was missing.

    Raises:
        CommandError: they cannot be built, or Grafana's image is not available.
    """
    services = model(env)["services"]
    check_grafana(services)
    missing = [image for image in base_images(services) if not is_present(image)]
    if all(map(pulled, missing)):
        return bool(missing)
    print("up: the image registry cannot be reached: building base images from Debian's packages (40 s)", file=sys.stderr)
    optional = [name for name in ("edge", "broker", "prometheus") if name in services]
    add_to_env(env_file(), run([str(OFFLINE / "base_images.sh"), *optional], capture=True))
    return True


def start() -> dict[str, Any]:
    """Builds and starts the containers, and waits until the webserver has loaded the code locations; returns the model.

    Raises:
        CommandError: Compose failed; the state of the containers is printed.
        CommandError: code does not load; everything else runs.
        WaitError: a code location is not loaded; the state of the containers is printed.
    """
    deployment = model()
    hosted = locations(deployment)
    build(deployment["name"], hosted)
    try:
        compose("up", "--detach", "--quiet-pull", "--remove-orphans", env={**os.environ, "COMPOSE_PROGRESS": "quiet"})
        # PgBouncer reads its roles at its start only: `make location` may have added one. Not `docker kill`: after any signal
        # from it, Docker takes the container for one that a person stopped, and never restarts it.
        compose("exec", "--no-TTY", "run_connection_pool", "sh", "-c", "kill -HUP 1", capture=True)
        broken = wait_until_healthy(deployment)
        load(deployment, [each.name for each in hosted if each.name not in broken])
    except (CommandError, WaitError) as error:
        # If Compose rejects the settings, these commands fail too: the error says why.
        with suppress(CommandError):
            print(compose("ps", "--all", capture=True), compose("logs", "--tail", "15", capture=True), file=sys.stderr)
        # One location that does not load must not keep others out of the UI.
        with suppress(CommandError, ApiError):
            reload_workspace(url_of(deployment))
        reasons = ""
        with suppress(CommandError):
            reasons = last_words(deployment["name"])
        raise CommandError(f"{error}\n{reasons}".strip()) from error
    if broken:
        said = "\n".join(f"{name} does not load: {reason}" for name, reason in broken.items())
        raise CommandError(
            f"{said}\nEverything else runs. `docker compose logs NAME` has the traceback: correct it, then `make deploy`"
        )
    return deployment


def load(deployment: Mapping[str, Any], names: Sequence[str]) -> None:
    """Waits until the webserver has loaded the code locations.

    Behind the edge, a host with a rootless engine or Docker Desktop cannot reach the webserver.

    Raises:
        WaitError: one is not loaded.
    """
    try:
        load_workspace(deployment, names)
    except ApiError:
        if published_url(deployment):
            raise
        print("up: after a change of workspace.yaml, type: docker compose restart webserver daemon", file=sys.stderr)


def main(_: list[str]) -> int:
    """Brings the deployment up; returns the exit status.

    Raises:
        CommandError: the engine or Compose refused a step.
        OverlayError: a variable such as EDGE has a value that is not allowed.
        WaitError: the code location is not loaded.
    """
    with alone():
        return up()


def start_engine() -> int:
    """Starts the engine of docker/offline if this machine has no other; returns the exit status. It prints its own reason."""
    return subprocess.run([str(OFFLINE / "engine.sh"), "start"], check=False).returncode


def up() -> int:
    """Provides what is missing, then starts; returns the exit status."""
    choose_files(env_file(), os.environ)
    if status := start_engine():
        return status
    project = model()["name"]
    unfinished.check(project)
    check_same_dagster(project)
    size_workers(env_file())
    if not check_deployment():
        return 1
    # Only an image that is present tells whether its Postgres can read the data.
    if ensure_base_images(os.environ) and not check_deployment():
        return 1
    deployment = start()
    record(project)
    print(f"Dagster runs: {address(deployment)}")
    return 0
