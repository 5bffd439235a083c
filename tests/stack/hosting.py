"""Tests give another project to a copy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operate.compose import model
from operate.locations import locations
from operate.lock import write_lock
from tests.selector import LOCATION

if TYPE_CHECKING:
    from tests.stack.conftest import Stack


IMAGE = "${COMPOSE_PROJECT_NAME}/user_code:own"


def overlay(project: Path, context: Path, **service: Any) -> str:
    """Writes a Compose file that gives a project to the code location, and returns its path.

    `context` is an empty folder for the lock of the project's packages. `service` holds more keys of the Compose service.
    """
    contexts = {"project": str(project), "location": str(context)}
    worker = {name: value for name, value in service.items() if name in {"image", "environment"}}
    services = {LOCATION: {"build": {"additional_contexts": contexts}, **service}, f"{LOCATION}_worker": worker}
    file = context / "code_location.yml"
    file.write_text(json.dumps({"services": services}))
    return str(file)


@contextmanager
def hosting(stack: Stack, project: Path, context: Path) -> Iterator[Stack]:
    """Hosts a project as the code location of the stack. Restores the stack's settings at the end of the block."""
    before = dict(stack.environ)
    file = overlay(project, context, image=IMAGE, environment={"DAGSTER_CURRENT_IMAGE": IMAGE})
    stack.environ |= {"COMPOSE_FILE": f"{before['COMPOSE_FILE']}:{file}"}
    try:
        build(stack, LOCATION)
        stack.up()
        yield stack
    finally:
        stack.environ = before


def build(stack: Stack, *services: str) -> None:
    """Locks the packages of each code location, and builds images."""
    for location in locations(model(stack.environ)):
        write_lock(location)
    stack.compose("build", "--quiet", *services)
