"""A reader's own code in place of the demo, as README.md shows it: the rest of the deployment does not mind."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from operate.compose import ROOT
from tests.conftest import repository_text
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(300)
IMAGE = "${COMPOSE_PROJECT_NAME}/user_code:own"


@pytest.fixture
def own(still: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The copy with the package of the README instead of the demo; afterwards it is as it was."""
    for part in ("docker/user_code", "docker/venv.sh", "dagster.yaml", "user_code/requirements.txt"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, tmp_path / part)
    package = tmp_path / "user_code/src/user_code"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (example,) = re.findall(r"```python\n(.*?)```", repository_text("README.md"), re.DOTALL)
    (package / "definitions.py").write_text(re.sub("^ {3}", "", example, flags=re.MULTILINE))
    overlay, before = tmp_path / "own.yml", dict(still.environ)
    service = {"image": IMAGE, "build": {"context": str(tmp_path)}, "environment": {"DAGSTER_CURRENT_IMAGE": IMAGE}}
    overlay.write_text(json.dumps({"services": {"user_code": service}}))
    still.environ["COMPOSE_FILE"] += f":{overlay}"
    try:
        exchange(still)
        yield still
    finally:
        still.environ = before
        exchange(still)


def exchange(stack: Stack) -> None:
    """Puts the code location that the Compose files name in place, with the two that hold on to the one before."""
    stack.compose("build", "--quiet", "user_code")
    stack.up()
    stack.compose("restart", "--no-deps", "webserver", "daemon")
    stack.up()


def test_smoke_passes_with_a_package_of_ones_own(own: Stack) -> None:
    """What an asset returns without naming an I/O manager is kept where the next one, or the next run, finds it."""
    said = own.make("smoke", "JOBS=greeting_job").stdout.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS schedules and sensors",
        "PASS greeting_job succeeds",
    ], said
    alone = own.client.wait(own.client.launch("greeting_job", assets=("letter",)))
    assert alone.status == "SUCCESS", own.client.story(alone.run_id)
    without = own.make("smoke")
    assert without.returncode == 0, without.stdout
    assert without.stdout.splitlines()[2:] == [
        "PASS schedules and sensors: there are none",
        'SKIP no run was launched, because the jobs of the demo are gone: name one of yours, make smoke JOBS="mine".',
    ]
