"""Copies of this deployment's volumes and images: `make upgrade` returns to them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

from operate.compose import run
from operate.containers import containers, service_of
from operate.volumes import own, present

# Barman's backups are large, and a copy of the database's past: they stay where they are.
STAYS = {"backup_data"}
SUFFIX = "_former"
COPY = "find /to -mindepth 1 -delete && cp -a /from/. /to/ && sync -f /to"
# Files in volumes have several owners.
RIGHTS = ("DAC_OVERRIDE", "CHOWN", "FOWNER", "FSETID")


def volumes_of(model: Mapping[str, Any]) -> list[str]:
    """The names of the volumes to copy."""
    return sorted(present({key: name for key, name in own(model).items() if key not in STAYS}).values())


def copy_of(name: str) -> str:
    """The name of a volume's copy."""
    return f"{name}{SUFFIX}"


def is_copy(name: str) -> bool:
    """Whether a volume is a copy."""
    return name.endswith(SUFFIX)


def _container(image: str, mounts: Mapping[str, str], command: str) -> list[str]:
    """A command in a container that can do nothing but read and write these volumes."""
    rights = [f"--cap-add={each}" for each in RIGHTS]
    volumes = [f"--volume={name}:{path}" for name, path in mounts.items()]
    limits = ["--rm", "--init", "--network=none", "--read-only", "--user=0:0", "--cap-drop=ALL", *rights]
    secure = ["--security-opt=no-new-privileges:true", "--entrypoint=sh"]
    return ["docker", "run", *limits, *secure, *volumes, image, "-ec", command]


def size(names: list[str], image: str) -> int:
    """The bytes in volumes. Runs may write to them meanwhile.

    Raises:
        CommandError: the engine refuses.
    """
    mounts = {name: f"/volumes/{number}:ro" for number, name in enumerate(names)}
    command = "du --summarize --block-size=1 /volumes 2>/dev/null || [ $? = 1 ]"
    return int(run(_container(image, mounts, command), capture=True).split()[0])


def copy(source: str, target: str, image: str) -> None:
    """Makes a volume's content that of another volume.

    Raises:
        CommandError: the disk is full, or a file cannot be copied.
    """
    run(_container(image, {source: "/from:ro", target: "/to"}, COPY), capture=True)


def keep_volumes(project: str, names: list[str], image: str) -> None:
    """Copies volumes that no container uses. They are labelled, so that `make destroy` removes them."""
    for name in names:
        remove_volumes([copy_of(name)])
        create(project, copy_of(name))
        copy(name, copy_of(name), image)


def create(project: str, name: str, *labels: str) -> None:
    """Creates a volume of a project, with more labels if Compose is to know it."""
    given = [f"--label=com.docker.compose.{label}" for label in (f"project={project}", *labels)]
    run(["docker", "volume", "create", *given, name], capture=True)


def bring_back_volumes(names: list[str], image: str) -> None:
    """Makes volumes what they were when they were copied."""
    for name in names:
        copy(copy_of(name), name, image)


def remove_volumes(names: list[str]) -> None:
    """Removes those of the volumes that are there."""
    if there := list(present({name: name for name in names}).values()):
        run(["docker", "volume", "rm", *there], capture=True)


def _kept_image(project: str, number: int) -> str:
    return f"{project}/former:{number}"


def image_ids(model: Mapping[str, Any]) -> dict[str, str]:
    """The ids of a release's images, by name. A container knows better than the name, which a build may have moved."""
    used = {service_of(each): each["Image"] for each in containers(model["name"])}
    named = {service["image"]: used.get(name) for name, service in model["services"].items()}
    return {image: found or _id(image) for image, found in named.items() if found or _id(image)}


def _id(image: str) -> str:
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def keep_images(project: str, ids: Mapping[str, str]) -> None:
    """Names images apart: a build takes their names."""
    for number, image in enumerate(ids.values()):
        run(["docker", "tag", image, _kept_image(project, number)], capture=True)


def bring_back_images(ids: Mapping[str, str]) -> None:
    """Gives images their names again."""
    for name, image in ids.items():
        run(["docker", "tag", image, name], capture=True)


def remove_images(project: str) -> None:
    """Forgets images that were named apart. Those that no other name has are removed."""
    if names := run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{project}/former"], capture=True).split():
        subprocess.run(["docker", "rmi", *names], capture_output=True, check=False)
