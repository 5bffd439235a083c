"""`make up`: an engine and base images where there are none, the preflight, then the deployment.

Whatever it decides it writes to `.env`, so that plain `docker compose` commands work afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from operate.compose import ROOT, CommandError, compose, model, run
from operate.preflight import check_deployment
from operate.smoke import deployment_url

OFFLINE = ROOT / "docker/offline"
# A registry that is there answers with the manifest in a second or two; a firewall drops packets.
REGISTRY_SECONDS = 30


def missing_settings(env: str, settings: str) -> str:
    """The lines of `settings` whose variable `env`, the text of a .env file, does not set."""
    given = {line.split("=", 1)[0].strip() for line in env.splitlines() if "=" in line and not line.lstrip().startswith("#")}
    return "".join(f"{line}\n" for line in settings.splitlines() if line.split("=", 1)[0] not in given)


def add_to_env(path: Path, settings: str) -> None:
    """Appends settings to a .env file, but for those that somebody has set."""
    text = path.read_text() if path.exists() else ""
    if new := missing_settings(text, settings):
        gap = "\n" if text and not text.endswith("\n") else ""
        path.write_text(f"{text}{gap}# Decided by `make up`.\n{new}")


def base_images() -> list[str]:
    """The images that the deployment is built from and that nothing here builds."""
    services = model()["services"]
    return [services["user_code"]["build"]["args"]["PYTHON_IMAGE"], services["postgres"]["image"]]


def available(image: str) -> bool:
    """Whether an image is here, or can be pulled."""
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


def ensure_base_images() -> None:
    """Builds the base images of docker/offline where the official ones cannot be had.

    Raises:
        CommandError: they cannot be built either.
    """
    if all(available(image) for image in base_images()):
        return
    print("up: the image registry cannot be reached: building base images from Debian's packages (40 s)", file=sys.stderr)
    add_to_env(ROOT / ".env", run([str(OFFLINE / "base_images.sh")], capture=True))


def main() -> int:
    """Brings the deployment up; returns the exit status."""
    try:
        subprocess.run([str(OFFLINE / "engine.sh"), "start"], check=True)
        # The second time the Postgres image is here, and its major can be compared with the data's.
        if not check_deployment():
            return 1
        ensure_base_images()
        if not check_deployment():
            return 1
        compose("build", "--quiet")
        compose("up", "--detach", "--wait", "--quiet-pull", env={**os.environ, "COMPOSE_PROGRESS": "quiet"})
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    except CommandError as error:
        print(f"up: {error}", file=sys.stderr)
        print(compose("ps", "--all", capture=True), compose("logs", "--tail", "15", capture=True), file=sys.stderr)
        return 1
    print(f"Dagster runs: {deployment_url().replace('127.0.0.1', 'localhost')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
