"""Which Compose files make the deployment: what RUN_ISOLATION and EDGE ask for, on top of what .env names already."""

from __future__ import annotations

from collections.abc import Mapping

BASE = "docker-compose.yml"
# For each variable the values that it may have, and the file that each adds.
OVERLAYS: dict[str, dict[str, str | None]] = {
    "RUN_ISOLATION": {"container": None, "process": "docker/compose.process.yml"},
    "EDGE": {"0": None, "1": "docker/compose.edge.yml"},
}


class OverlayError(Exception):
    """A variable has a value that is not allowed; the message names both, and what is."""


def compose_files(current: str, environ: Mapping[str, str]) -> str:
    """The new value of COMPOSE_FILE. A variable that is not set changes nothing; files that are not known here stay.

    Raises:
        OverlayError: a value is not allowed.
    """
    files = [file for file in current.split(":") if file] or [BASE]
    for name, choices in OVERLAYS.items():
        value = environ.get(name, "")
        if not value:
            continue
        if value not in choices:
            raise OverlayError(f"{name} is set to '{value}', which is not allowed: it must be {' or '.join(choices)}.")
        files = [file for file in files if file not in choices.values()]
        files += [chosen] if (chosen := choices[value]) else []
    return ":".join(files)
