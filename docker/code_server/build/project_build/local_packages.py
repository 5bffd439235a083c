"""Packages that lie in the project's own folder.

Uv writes them into a lock as paths, without versions or hashes. The build installs them from the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from dagster_project.definitions import ProjectError
from project_build.dagster_versions import PIN

# A requirement, with its hashes on the lines below.
ENTRY = re.compile(r"^\S.*\n?(?:[ \t].*\n?)*", re.MULTILINE)
EDITABLE = re.compile(r"^(?:-e|--editable)[ =]")
MOVE = "move the package into the project's folder"
LOCAL = re.compile(r"^# local: (.+)$", re.MULTILINE)


def _target(entry: str) -> str:
    """The path or the URL of a requirement, without its name, marker and hashes."""
    line = EDITABLE.sub("", entry.splitlines()[0]).removesuffix("\\").partition(" ;")[0].strip()
    return line.rpartition(" @ ")[2]


def _folder(target: str, project: Path) -> str:
    """The path below the project's folder.

    Raises:
        ProjectError: it lies elsewhere, and the image would not have it.
    """
    path = (project / unquote(target.removeprefix("file://"))).resolve()
    if not path.is_relative_to(project.resolve()):
        raise ProjectError(f"the package in {target} lies outside the project's folder: {MOVE}")
    return str(path.relative_to(project.resolve()))


def split(lock: str, project: Path) -> tuple[str, list[str]]:
    """The lock without the local packages, and their paths. The project itself is none of them.

    Raises:
        ProjectError: a package lies outside the project's folder, or has no hash.
    """
    kept, paths = [], []
    for entry in ENTRY.findall(lock):
        target = _target(entry)
        if "--hash=" in entry or entry.startswith("#"):
            kept.append(entry)
        elif PIN.match(entry) or ("://" in target and not target.startswith("file://")):
            raise ProjectError(f"{target} has no hash, as packages from Git have none: take a release, or {MOVE}")
        else:
            paths.append(_folder(target, project))
    return "".join(kept), [path for path in paths if path != "."]


def header(paths: Iterable[str]) -> list[str]:
    """The lines with which a lock names local packages."""
    return [f"# local: {path}" for path in paths]


def paths_in(lock: str) -> list[str]:
    """The paths of the local packages that a lock names."""
    return LOCAL.findall(lock)
