"""Reads what the runs of each code location may have: `x-runs` in locations/NAME/compose.yml.

The gateway reads it for each container that it creates: a new code location needs no restart of the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from launch_gateway.settings import SettingsError, run_values

# The name of a code location is that of its folder, its Compose service and its image.
NAME = r"[a-z][a-z0-9_]{0,39}"


class _ComposeLoader(yaml.SafeLoader):
    """Reads YAML whose values may have Compose's own tags, such as `!override`."""


def _untagged(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_ComposeLoader.add_multi_constructor("!", _untagged)


def location_of(image: object, project: str) -> str | None:
    """The name of the code location whose image this is, or None."""
    match = re.match(rf"{re.escape(project)}/({NAME}):", image) if isinstance(image, str) else None
    return match[1] if match else None


def names(folder: Path) -> list[str]:
    """The names of the code locations in `folder`."""
    return sorted(file.parent.name for file in folder.glob("*/compose.yml"))


def _read(file: Path) -> object:
    try:
        return yaml.load(file.read_text(), _ComposeLoader)["x-runs"]  # noqa: S506 - a SafeLoader
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"it cannot be read: {type(error).__name__}: {error}.") from error


def _checked(runs: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    error = next(Draft202012Validator(schema).iter_errors(runs), None)
    if error is None:
        return dict(runs)
    where = ".".join(["x-runs", *map(str, error.absolute_path)])
    raise SettingsError(f"{where}: {error.message}.")


def values_of(folder: Path, name: str, environ: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the policy's $NAMES for runs of a code location.

    Raises:
        SettingsError: there is no such location, or its `x-runs` is not what `schema` describes.
    """
    file = folder / name / "compose.yml"
    if not file.exists():
        raise SettingsError(f"there is no code location {name}: locations/{name}/compose.yml is missing.")
    try:
        return run_values(environ, name, _checked(_read(file), schema))
    except SettingsError as error:
        raise SettingsError(f"locations/{name}/compose.yml: {error}") from error
