"""Replaces the demo's package with another, and restores it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operate.compose import ROOT
from tests.stack.conftest import Stack

IMAGE = "${COMPOSE_PROJECT_NAME}/user_code:own"
# The parts of the code location's image, beside the package.
PARTS = (
    "docker/code_server",
    "docker/dagster/src/dagster_deployment",
    "docker/venv.sh",
    "dagster.yaml",
    "user_code/requirements.txt",
)


@contextmanager
def hosting(
    stack: Stack,
    package: dict[str, str],
    context: Path,
    environment: dict[str, Any] | None = None,
    settings: dict[str, str] | None = None,
) -> Iterator[Stack]:
    """Hosts a `package`, texts by name of file, as the stack's code location, and then restores the demo.

    `environment` is that of the code location, `settings` are those of .env.
    """
    for part in PARTS:
        (context / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, context / part)
    folder = context / "user_code/src/user_code"
    folder.mkdir(parents=True)
    for name, text in package.items():
        (folder / name).write_text(text)
    before = dict(stack.environ)
    service = {
        "image": IMAGE,
        "build": {"context": str(context)},
        "environment": {"DAGSTER_CURRENT_IMAGE": IMAGE, **(environment or {})},
    }
    overlay = context / "own.yml"
    overlay.write_text(json.dumps({"services": {"user_code": service}}))
    stack.environ |= {**(settings or {}), "COMPOSE_FILE": f"{before['COMPOSE_FILE']}:{overlay}"}
    try:
        exchange(stack)
        yield stack
    finally:
        stack.environ = before
        exchange(stack)


def exchange(stack: Stack) -> None:
    """Exchanges the code location that the Compose files name, with the two services that hold on to the old one."""
    stack.compose("build", "--quiet", "user_code")
    stack.up()
    stack.compose("restart", "--no-deps", "webserver", "daemon")
    stack.up()
