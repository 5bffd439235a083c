"""`make location NAME=shop FROM=../shop` adds a code location, `REMOVE=1` removes it: three texts that you may edit.

These are locations/NAME/compose.yml, a line in locations/compose.yml, and an entry of workspace.yaml.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.definitions import ProjectError, module_of
from dagster_project.packages import packages_of
from operate.alone import alone
from operate.compose import QUIET, ROOT, CommandError, compose, model
from operate.locations import FOLDER, WORKSPACE, locations, tag_variable
from operate.lock import write_lock
from operate.overlays import BACKUP, BASE, EDGE, WORKER

TEMPLATE = Path(__file__).with_name("location.template")
INCLUDES = FOLDER / "compose.yml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def include_line(name: str) -> str:
    """The line of locations/compose.yml."""
    return f"  - {{path: locations/{name}/compose.yml, project_directory: .}}\n"


def workspace_entry(name: str) -> str:
    """The entry of workspace.yaml."""
    return f"  - grpc_server:\n      host: {name}\n      port: 4000\n      location_name: {name}\n"


def taken(deployment: Mapping[str, Any]) -> set[str]:
    """The names of services, of their images, and by which other services reach them."""
    services = deployment["services"]
    images = (str(service.get("image", "")) for service in services.values())
    networks = (network or {} for service in services.values() for network in (service.get("networks") or {}).values())
    aliases = (alias for network in networks for alias in network.get("aliases", []))
    return {*services, *aliases, *(image.rpartition(":")[0].rpartition("/")[2] for image in images)}


def check_name(name: str) -> None:
    """Raises `CommandError` if no code location may have this name, or if another service has it."""
    if not NAME.fullmatch(name):
        raise CommandError(f"the name '{name}' is not allowed: small letters, digits and _, a letter first, 40 at most")
    if (FOLDER / name).exists():
        raise CommandError(f"there is a code location {name} already: locations/{name}")
    whole = {"COMPOSE_FILE": f"{BASE}:{WORKER}:{EDGE}:{BACKUP}", "RUN_ISOLATION": "worker", "COMPOSE_PROFILES": "*"}
    if taken(model({**os.environ, **whole})).intersection(services_of(name)):
        raise CommandError(f"the name '{name}' is not allowed: a service or an image of this deployment has it")


def check_project(folder: Path) -> None:
    """Raises `CommandError` if the folder is not a Dagster project."""
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}: FROM is the folder of a Dagster project")
    try:
        module_of(folder)
        packages_of(folder)
    except ProjectError as error:
        raise CommandError(str(error)) from error


def as_path(typed: str) -> str:
    """A path as Compose takes it for a folder: a bare name would be that of a volume."""
    return typed if typed.startswith((".", "/")) else f"./{typed}"


def append(file: Path, text: str) -> None:
    """Appends to a file in place: containers mount it, and would not see a new one."""
    before = file.read_text()
    with file.open("a") as opened:
        opened.write(text if before.endswith("\n") else f"\n{text}")


def add(name: str, project: str) -> None:
    """Adds a code location, and locks its packages.

    Raises:
        CommandError: the name or the project is not allowed, or its packages cannot be resolved. Nothing is left behind.
    """
    check_name(name)
    check_project(ROOT / project)
    filled = {"@NAME@": name, "@VARIABLE@": tag_variable(name), "@FROM@": as_path(project)}
    text = TEMPLATE.read_text()
    for mark, value in filled.items():
        text = text.replace(mark, value)
    (FOLDER / name).mkdir()
    (FOLDER / name / "compose.yml").write_text(text)
    append(INCLUDES, include_line(name))
    append(WORKSPACE, workspace_entry(name))
    try:
        write_lock(next(each for each in locations() if each.name == name))
    except BaseException:
        # Also after Ctrl-C: locking takes the longest.
        forget(name)
        raise


def check_texts(name: str) -> None:
    """Raises `CommandError` if a file does not hold the text of a code location, or holds no other."""
    for file, text in ((INCLUDES, include_line(name)), (WORKSPACE, workspace_entry(name))):
        if text not in file.read_text():
            raise CommandError(f"{file.name} does not hold the lines that `make location` wrote. Remove by hand:\n{text}")
    if WORKSPACE.read_text().count("grpc_server:") == 1:
        raise CommandError(f"{name} is the only code location, and Dagster needs one: add another one first")


def forget(name: str) -> None:
    """Removes the texts of a code location, in place."""
    for file, text in ((INCLUDES, include_line(name)), (WORKSPACE, workspace_entry(name))):
        file.write_text(file.read_text().replace(text, ""))
    shutil.rmtree(FOLDER / name)


def services_of(name: str) -> list[str]:
    """The services of a code location."""
    return [name, f"{name}_worker", f"{name}_secrets"]


def own_volumes(deployment: Mapping[str, Any], name: str) -> list[str]:
    """The volumes of a code location that no other service mounts, by the engine's names."""

    def mounted(service: Mapping[str, Any]) -> set[str]:
        return {mount["source"] for mount in service.get("volumes", []) if mount["type"] == "volume"}

    others = (service for each, service in deployment["services"].items() if each not in services_of(name))
    own = mounted(deployment["services"][name]).difference(*map(mounted, others))
    return sorted(deployment["volumes"][volume]["name"] for volume in own)


def remove(name: str) -> None:
    """Stops a code location, and removes its texts. Its data stays.

    Raises:
        CommandError: there is no such location.
    """
    if not NAME.fullmatch(name) or not (FOLDER / name / "compose.yml").exists():
        raise CommandError(f"there is no code location '{name}'")
    check_texts(name)
    deployment = model()
    volumes = " ".join(own_volumes(deployment, name))
    # A code location of an earlier release has no worker.
    known = [each for each in services_of(name) if each in deployment["services"]]
    compose(*QUIET, "rm", "--stop", "--force", *known)
    forget(name)
    print(f"location: {name} is removed; `make up` takes it out of the UI. Its data stays: docker volume rm {volumes}")


def main(words: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the location cannot be added or removed.
    """
    parser = argparse.ArgumentParser("location", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("project", nargs="?")
    parser.add_argument("--remove", action="store_true")
    options = parser.parse_args(words)
    if not options.remove and not options.project:
        raise CommandError(f"where is the project? make location NAME={options.name} FROM=../{options.name}")
    with alone():
        if options.remove:
            remove(options.name)
            return 0
        add(options.name, options.project)
    print(f"location: {options.name} is added: see locations/{options.name}/compose.yml, then `make up`", file=sys.stderr)
    return 0
