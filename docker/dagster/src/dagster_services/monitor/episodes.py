"""An episode lasts as long as a problem does. It has one message, also if this service restarts meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from dagster_services.monitor.problems import Problem


def begun(told: Mapping[str, float], found: Iterable[Problem]) -> list[Problem]:
    """The problems that nobody was told about yet."""
    return [problem for problem in found if problem.key not in told]


def going_on(told: Mapping[str, float], found: Iterable[Problem], now: float) -> dict[str, float]:
    """The episodes after a message about all that was found: each key with the time of its message."""
    return {problem.key: told.get(problem.key, now) for problem in found}


def read(path: Path) -> dict[str, float]:
    """The episodes that a file holds; none without a file, or with one that a crash has damaged."""
    try:
        found: dict[str, float] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def write(path: Path, told: Mapping[str, float]) -> None:
    """Writes a new file and renames it: a crash leaves the old one.

    Raises:
        OSError: the disk is full.
    """
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(told))
    aside.rename(path)
