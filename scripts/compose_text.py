"""Reads the text of a Compose file, for pictures and checks that need no Compose."""

from __future__ import annotations

from typing import Any

import yaml

from operate.compose import ROOT


class ComposeLoader(yaml.SafeLoader):
    """Reads values with Compose's own tags, `!override` and `!reset`, as if they had none."""


def _untagged(loader: ComposeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


ComposeLoader.add_multi_constructor("!", _untagged)


def parsed(text: str) -> dict[str, Any]:
    """The text of a Compose file, as data."""
    model: dict[str, Any] = yaml.load(text, ComposeLoader)  # noqa: S506 - a safe loader
    return model


def compose_file(path: str) -> dict[str, Any]:
    """A Compose file of this repository."""
    return parsed((ROOT / path).read_text())
