"""Reads and changes `.env`, the file with this deployment's settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from operate.compose import ROOT


def env_file() -> Path:
    """The file that Compose reads: `.env`, or the last one that Compose's own COMPOSE_ENV_FILES names."""
    return ROOT / os.environ.get("COMPOSE_ENV_FILES", ".env").split(",")[-1]


def settings(path: Path) -> dict[str, str]:
    """The variables that a .env file sets."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip() for name, value in pairs}


def missing_settings(env: Mapping[str, str], decided: str) -> str:
    """The lines of `decided` whose variable is not in `env`."""
    return "".join(f"{line}\n" for line in decided.splitlines() if line.split("=", 1)[0] not in env)


def add_to_env(path: Path, decided: str) -> None:
    """Appends settings to a .env file, except those that it already sets."""
    text = path.read_text() if path.exists() else ""
    if new := missing_settings(settings(path), decided):
        gap = "\n" if text and not text.endswith("\n") else ""
        path.write_text(f"{text}{gap}# Decided by `make up`.\n{new}")


def replace_in_env(path: Path, decided: Mapping[str, str]) -> None:
    """Sets variables in a .env file, and keeps its other lines.

    A new file replaces the old one: no reader sees half of it. Only the owner may read a first one.
    """
    path = path.resolve()
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition("=")[0] not in decided]
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in decided.items()), ""]))
    if path.exists():
        shutil.copymode(path, new)
    new.replace(path)
