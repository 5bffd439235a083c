"""A Compose model that needs nothing of its checkout."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def frozen(model: Mapping[str, Any], root: Path, folder: Path) -> dict[str, Any]:
    """A model that builds nothing, and mounts copies of the checkout's files, which are in a folder."""
    moved = {str(path): str(folder / path.relative_to(root)) for path in mounted(model, root)}
    services = {name: frozen_service(service, moved) for name, service in model["services"].items()}
    configs = {name: {**each, "file": moved.get(each["file"], each["file"])} for name, each in configs_of(model).items()}
    return {**model, "services": services, **({"configs": configs} if configs else {})}


def mounted(model: Mapping[str, Any], root: Path) -> set[Path]:
    """The files and folders of a checkout that containers mount.

    Those of projects and of secrets are the user's. They stay where they are: their owners matter.
    """
    services = list(model["services"].values())
    projects = {context for service in services for context in contexts(service)}
    binds = {mount["source"] for service in services for mount in service.get("volumes", []) if mount["type"] == "bind"}
    sources = binds | {each["file"] for each in configs_of(model).values()}
    return {Path(source) for source in sources - projects if Path(source).is_relative_to(root)}


def copy(paths: Iterable[Path], root: Path, folder: Path) -> None:
    """Copies files and folders of a checkout to an empty folder."""
    for path in sorted(paths):
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy2)(path, target)


def configs_of(model: Mapping[str, Any]) -> dict[str, Any]:
    """The configs that are files."""
    return {name: each for name, each in (model.get("configs") or {}).items() if "file" in each}


def contexts(service: Mapping[str, Any]) -> list[str]:
    """The folders of the projects that a service's image is built of: these are the user's, and no part of a release."""
    found = ((service.get("build") or {}).get("additional_contexts") or {}).get("project")
    return [found] if found else []


def frozen_service(service: Mapping[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """A service that builds nothing, and mounts copies."""
    mounts = [{**mount, "source": moved.get(mount["source"], mount["source"])} for mount in service.get("volumes", [])]
    rest = {key: value for key, value in service.items() if key not in {"build", "volumes"}}
    return {**rest, "pull_policy": "never", "volumes": mounts}
