"""The volumes of this deployment, for backups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import IO, Any

from operate.compose import run
from operate.databases import feed, stream

# Databases are dumped. The broker's messages are of runs that Dagster knows. The others belong to BACKUP=1 and OFFSITE=1. Metrics
# are large, and old ones have no use on a new machine.
NOT_KEPT = {
    "postgres_data",
    "broker_data",
    "backup_data",
    "backup_status",
    "secrets_backup",
    "offsite_repository",
    "prometheus_data",
    "gateway_status",
}
# A restore of a file leaves them: the service `backup` puts the backups of another database aside.
LEFT = frozenset({"backup_data", "offsite_repository"})


def own(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The volumes of this deployment alone: their names in Docker by those in the Compose files."""
    return {key: volume["name"] for key, volume in deployment["volumes"].items() if not volume.get("external")}


def kept(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The volumes that a backup holds."""
    return {key: name for key, name in own(deployment).items() if key not in NOT_KEPT}


def present(names: Mapping[str, str]) -> dict[str, str]:
    """Those of the volumes that Docker has.

    Raises:
        CommandError: the engine does not answer.
    """
    there = set(run(["docker", "volume", "ls", "--quiet"], capture=True).split())
    return {key: name for key, name in names.items() if name in there}


def remove(deployment: Mapping[str, Any], left: Collection[str] = LEFT) -> None:
    """Removes the volumes of this deployment, but those that are left. Those of code locations that were removed stay.

    Raises:
        CommandError: a container uses one.
    """
    if names := present({key: name for key, name in own(deployment).items() if key not in left}).values():
        run(["docker", "volume", "rm", *names], capture=True)


def _tar(image: str, mount: str, capabilities: tuple[str, ...], command: str) -> tuple[str, ...]:
    """A command in a container that can do nothing but read or write the volume: volumes have files of several users.

    Docker's log would hold what it prints, such as passwords.
    """
    rights = (f"--cap-add={each}" for each in capabilities)
    run = ("docker", "run", "--rm", "--init", "--interactive", "--log-driver=none", "--network=none", "--read-only")
    user = ("--user=0:0", "--cap-drop=ALL", *rights, "--security-opt=no-new-privileges:true")
    return (*run, *user, f"--volume={mount}", "--entrypoint=sh", image, "-c", command)


def read(name: str, image: str, write: Callable[[bytes], object]) -> None:
    """Passes a volume on as a tar file. Runs may write to it meanwhile: tar then ends with status 1.

    Raises:
        CommandError: it cannot be read.
    """
    command = "tar -C /volume -c --numeric-owner --warning=no-file-changed . || [ $? = 1 ]"
    stream(f"reading the volume {name}", _tar(image, f"{name}:/volume:ro", ("DAC_READ_SEARCH",), command), write)


def write(name: str, image: str, source: IO[bytes]) -> None:
    """Replaces what is in a volume by a tar file. A new volume has the files of its image.

    Raises:
        CommandError: it cannot be written.
    """
    rights = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID")
    unpack = "tar -C /volume -x --numeric-owner --same-owner --same-permissions --warning=no-timestamp"
    command = f"find /volume -mindepth 1 -delete && {unpack}"
    feed(f"writing the volume {name}", _tar(image, f"{name}:/volume", rights, command), source)
