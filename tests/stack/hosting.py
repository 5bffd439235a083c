"""Tests give another code location to a copy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operate.compose import ROOT

if TYPE_CHECKING:
    from tests.stack.conftest import Stack

IMAGE = "${COMPOSE_PROJECT_NAME}/user_code:own"
# The image of the code location contains these files and the package.
PARTS = (
    "docker/code_server",
    "docker/dagster/src/dagster_deployment",
    "docker/venv.sh",
    "dagster.yaml",
    "user_code/requirements.txt",
)


def overlay(package: Mapping[str, str], context: Path, **service: Any) -> str:
    """Writes a Compose file whose code location is `package`, and returns its path.

    `package` holds the text of each file by its name. `context` is an empty folder for the build.
    `service` holds more keys of the Compose service.
    """
    for part in PARTS:
        (context / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, context / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, context / part)
    folder = context / "user_code/src/user_code"
    folder.mkdir(parents=True)
    for name, text in package.items():
        (folder / name).write_text(text)
    file = context / "code_location.yml"
    file.write_text(json.dumps({"services": {"user_code": {"build": {"context": str(context)}, **service}}}))
    return str(file)


@contextmanager
def hosting(stack: Stack, package: Mapping[str, str], context: Path) -> Iterator[Stack]:
    """Hosts a package as the code location of the stack. Restores the old one at the end of the block."""
    before = dict(stack.environ)
    file = overlay(package, context, image=IMAGE, environment={"DAGSTER_CURRENT_IMAGE": IMAGE})
    stack.environ |= {"COMPOSE_FILE": f"{before['COMPOSE_FILE']}:{file}"}
    try:
        replace_code_location(stack)
        yield stack
    finally:
        stack.environ = before
        replace_code_location(stack)


def replace_code_location(stack: Stack) -> None:
    """Starts the code location that the Compose files name. Restarts webserver and daemon, because both keep the old one."""
    stack.compose("build", "--quiet", "user_code")
    stack.up()
    stack.compose("restart", "--no-deps", "webserver", "daemon")
    stack.up()
