"""Copies of this deployment's volumes and images: `make upgrade` returns to them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

from operate.compose import CommandError, run
from operate.containers import containers, is_draining, service_of
from operate.volumes import LEFT, present

# A user's volume may have a similar name, so that copies have a label.
COPY_LABEL = "dagster/copy-of"
COPY = "find /to -mindepth 1 -delete && cp -a /from/. /to/ && sync -f /to"
# Files in volumes have several owners.
RIGHTS = ("DAC_OVERRIDE", "CHOWN", "FOWNER", "FSETID")


def volumes_of(model: Mapping[str, Any]) -> list[str]:
    """The names of the volumes to copy, external ones too. Backups are large, and a copy of the past: they stay."""
    named = {key: volume["name"] for key, volume in model["volumes"].items() if key not in LEFT}
    return sorted(present(named).values())


def copy_of(name: str) -> str:
    """The name of a volume's copy."""
    return f"{name}_former"


def copies(project: str) -> list[str]:
    """The copies of a project's volumes."""
    labels = (f"label=com.docker.compose.project={project}", f"label={COPY_LABEL}")
    return run(["docker", "volume", "ls", "--quiet", *(f"--filter={label}" for label in labels)], capture=True).split()


def check_copies(names: list[str]) -> None:
    """Raises `CommandError` if the copy of a volume is missing."""
    there = present({name: copy_of(name) for name in names})
    if missing := sorted(set(names) - there.keys()):
        raise CommandError(f"the copy of {missing[0]} is missing, so nothing was changed: make restore FILE=backups/NAME.tar")


def _container(project: str, image: str, mounts: Mapping[str, str], command: str) -> list[str]:
    """A command in a container that can do nothing but read and write these volumes.

    The label lets `end_everything` find one that has outlived its verb.
    """
    rights = [f"--cap-add={each}" for each in RIGHTS]
    volumes = [f"--volume={name}:{path}" for name, path in mounts.items()]
    limits = [
        "--rm",
        f"--label=com.docker.compose.project={project}",
        "--init",
        "--network=none",
        "--read-only",
        "--user=0:0",
        "--cap-drop=ALL",
        *rights,
    ]
    secure = ["--security-opt=no-new-privileges:true", "--entrypoint=sh"]
    return ["docker", "run", *limits, *secure, *volumes, image, "-ec", command]


def size(project: str, names: list[str], image: str) -> int:
    """The bytes in volumes. Runs may write to them meanwhile.

    Raises:
        CommandError: the engine refuses.
    """
    mounts = {name: f"/volumes/{number}:ro" for number, name in enumerate(names)}
    command = "du --summarize --block-size=1 /volumes 2>/dev/null || [ $? = 1 ]"
    return int(run(_container(project, image, mounts, command), capture=True).split()[0])


def copy(project: str, source: str, target: str, image: str) -> None:
    """Makes a volume's content that of another volume.

    Raises:
        CommandError: the disk is full, or a file cannot be copied.
    """
    run(_container(project, image, {source: "/from:ro", target: "/to"}, COPY), capture=True)


def empty(project: str, name: str, image: str) -> None:
    """Removes what is in a volume."""
    run(_container(project, image, {name: "/to"}, "find /to -mindepth 1 -delete"), capture=True)


def keep_volumes(project: str, names: list[str], image: str) -> None:
    """Copies volumes that no container uses. They are labelled, so that `make destroy` removes them."""
    for name in names:
        remove_volumes([copy_of(name)])
        create(project, copy_of(name), f"{COPY_LABEL}={name}")
        copy(project, name, copy_of(name), image)


def create(project: str, name: str, label: str) -> None:
    """Creates a volume of a project."""
    labels = [f"--label={each}" for each in (f"com.docker.compose.project={project}", label)]
    run(["docker", "volume", "create", *labels, name], capture=True)


def bring_back_volumes(project: str, names: list[str], image: str) -> None:
    """Makes volumes what they were when they were copied."""
    for name in names:
        copy(project, copy_of(name), name, image)


def remove_copies(project: str) -> None:
    """Removes the copies of a project's volumes."""
    remove_volumes(copies(project))


def remove_volumes(names: list[str]) -> None:
    """Removes those of the volumes that are there."""
    if there := list(present({name: name for name in names}).values()):
        run(["docker", "volume", "rm", *there], capture=True)


def _kept_image(project: str, number: int) -> str:
    return f"{project}/former:{number}"


def image_ids(model: Mapping[str, Any]) -> dict[str, str]:
    """The ids of a release's images, by name. A container knows better than the name, which a build may have moved.

    The tag of a code location's image names its content. A drained worker of older code may still be there.
    """
    found = sorted(containers(model["name"]), key=lambda each: str(each["Created"]))
    used = {service_of(each): each["Image"] for each in found if not is_draining(each)}
    named = {service["image"]: None if _is_code(service) else used.get(name) for name, service in model["services"].items()}
    ids = {image: image_id or _id(image) for image, image_id in named.items()}
    return {image: image_id for image, image_id in ids.items() if image_id}


def _is_code(service: Mapping[str, Any]) -> bool:
    return bool(service.get("environment", {}).get("DAGSTER_CURRENT_IMAGE") == service["image"])


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
