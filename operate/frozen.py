"""A Compose model that needs nothing of its checkout."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def frozen(model: Mapping[str, Any], root: Path, folder: Path) -> dict[str, Any]:
    """A model that needs nothing of its checkout: it builds nothing, and mounts copies of the checkout's files."""
    projects = {context for service in model["services"].values() for context in contexts(service)}

    def kept(source: str) -> str:
        path = Path(source)
        return source if source in projects or not path.is_relative_to(root) else copied(path, root, folder)

    return {
        **model,
        "services": {name: frozen_service(service, kept) for name, service in model["services"].items()},
        # Files of secrets stay where they are: they are the user's, and their owners matter.
        **({"configs": frozen_files(model["configs"], kept)} if model.get("configs") else {}),
    }


def contexts(service: Mapping[str, Any]) -> list[str]:
    """The folders of the projects that a service's image is built of: these are the user's, and no part of a release."""
    found = ((service.get("build") or {}).get("additional_contexts") or {}).get("project")
    return [found] if found else []


def frozen_service(service: Mapping[str, Any], kept: Callable[[str], str]) -> dict[str, Any]:
    """A service that builds nothing."""
    mounts = [
        {**mount, "source": kept(mount["source"])} if mount["type"] == "bind" else mount for mount in service.get("volumes", [])
    ]
    rest = {key: value for key, value in service.items() if key not in {"build", "volumes"}}
    return {**rest, "pull_policy": "never", "volumes": mounts}


def frozen_files(files: Mapping[str, Any], kept: Callable[[str], str]) -> dict[str, Any]:
    """Configs that are files."""
    return {name: {**each, "file": kept(each["file"])} if "file" in each else each for name, each in files.items()}


def copied(path: Path, root: Path, folder: Path) -> str:
    """Copies a file or a folder of the checkout; returns the path of the copy."""
    target = folder / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Containers may be reading a copy that is there.
    if not target.exists():
        (shutil.copytree if path.is_dir() else shutil.copy2)(path, target)
    return str(target)
