"""The volumes of this deployment, for backups."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import IO, Any

from operate.databases import feed, stream

# Databases are dumped. The broker's messages are of runs that Dagster knows.
NOT_KEPT = {"postgres_data", "broker_data"}


def kept(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The volumes that a backup holds: their names in Docker by those in the Compose files."""
    return {key: volume["name"] for key, volume in deployment["volumes"].items() if key not in NOT_KEPT}


def exists(name: str) -> bool:
    """Whether Docker has a volume."""
    return subprocess.run(["docker", "volume", "inspect", name], capture_output=True, check=False).returncode == 0


def _tar(image: str, mount: str, capabilities: tuple[str, ...], *command: str) -> tuple[str, ...]:
    """A command in a container that can do nothing but read or write the volume: volumes have files of several users."""
    rights = tuple(f"--cap-add={each}" for each in capabilities)
    run = ("docker", "run", "--rm", "--interactive", "--network=none", "--read-only", "--user=0:0", "--cap-drop=ALL", *rights)
    return (*run, f"--volume={mount}", "--entrypoint=sh", image, "-c", *command)


def read(name: str, image: str, write: Callable[[bytes], None]) -> None:
    """Passes a volume on as a tar file. Runs may write to it meanwhile: tar then ends with status 1.

    Raises:
        CommandError: it cannot be read.
    """
    stream(
        _tar(image, f"{name}:/volume:ro", ("DAC_READ_SEARCH",), "tar -C /volume -c --warning=no-file-changed . || [ $? = 1 ]"),
        write,
    )


def write(name: str, image: str, source: IO[bytes]) -> None:
    """Replaces what is in a volume by a tar file. A new volume has the files of its image.

    Raises:
        CommandError: it cannot be written.
    """
    rights = ("CHOWN", "DAC_OVERRIDE", "FOWNER")
    feed(
        _tar(
            image,
            f"{name}:/volume",
            rights,
            "find /volume -mindepth 1 -delete && tar -C /volume -x --same-owner --same-permissions",
        ),
        source,
    )
