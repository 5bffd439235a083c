"""Finds the module that holds a project's definitions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
REMEDY = (
    "add to its pyproject.toml a section [tool.dg.project] with root_module, "
    "or [tool.dagster] with module_name: the module whose variable holds the Definitions"
)


class ProjectError(Exception):
    """A project cannot be hosted. The message is a sentence that names the file and the remedy."""


def read_pyproject(folder: Path) -> dict[str, Any]:
    """The content of pyproject.toml, which is empty if there is no such file.

    Raises:
        ProjectError: the file is not TOML.
    """
    file = folder / "pyproject.toml"
    try:
        return tomllib.loads(file.read_text()) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise ProjectError(f"{file} cannot be read: {error}") from error


def _table(data: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Any = data
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _named(pyproject: Mapping[str, Any]) -> object:
    """The module that a pyproject.toml names, as https://docs.dagster.io/api/clis/dg-cli documents it."""
    project = _table(pyproject, "tool", "dg", "project")
    if target := project.get("code_location_target_module"):
        return target
    if root := project.get("root_module"):
        return f"{root}.definitions"
    return _table(pyproject, "tool", "dagster").get("module_name")


def module_of(folder: Path) -> str:
    """The module that holds the definitions of the project in `folder`.

    Raises:
        ProjectError: the project names none, or one that is not a module's name.
    """
    name = _named(read_pyproject(folder))
    if name is None:
        raise ProjectError(f"the project in {folder} does not say which module holds its definitions: {REMEDY}")
    if not isinstance(name, str) or not MODULE.fullmatch(name):
        raise ProjectError(f"the project in {folder} names the module {name!r}, which is not the name of a module: {REMEDY}")
    return name
