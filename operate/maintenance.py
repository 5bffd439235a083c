"""`make maintenance` removes now what the service `maintenance` removes each night; `DRY_RUN=1` counts it."""

from __future__ import annotations

import subprocess

from operate.compose import ROOT, CommandError, require, services

ONCE = ("python", "-m", "dagster_services.maintenance.once")


def main(words: list[str]) -> int:
    """Returns the exit status of the maintenance, which prints what it has removed.

    Raises:
        CommandError: the service does not run.
    """
    require("docker")
    if services().get("maintenance", {}).get("State") != "running":
        raise CommandError("the service maintenance does not run: make up")
    command = ["docker", "compose", "exec", "--no-TTY", "maintenance", *ONCE, *words]
    return subprocess.run(command, cwd=ROOT, check=False).returncode
