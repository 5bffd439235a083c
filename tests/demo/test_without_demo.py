"""A team deletes the demo and puts a package of its own in place. The rest of the repository must stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from operate.compose import ROOT
from tests.conftest import repository_text
from tests.static.test_repository import tracked

DELETED = ("demo/", "tests/demo/", "user_code/src/")
INCLUDE = re.compile(r"^# .*\ninclude: .*\n\n", re.MULTILINE)
pytestmark = pytest.mark.timeout(900)


def readme_example() -> str:
    """Returns the two assets of README.md."""
    (example,) = re.findall(r"```python\n(.*?)```", repository_text("README.md"), re.DOTALL)
    return re.sub("^ {3}", "", example, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the repository without the demo, with the README's package as the code location."""
    folder = tmp_path_factory.mktemp("without") / "demo_is_gone"
    for path in tracked():
        if not path.startswith(DELETED):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    compose, found = INCLUDE.subn("", repository_text("docker-compose.yml"))
    assert found == 1
    (folder / "docker-compose.yml").write_text(compose)
    package = folder / "user_code/src/user_code"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "definitions.py").write_text(readme_example())
    (folder / "user_code/settings.env").write_text("# This code has no settings.\n")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the copy, with the copy's own packages first."""
    environ = {**os.environ, "PYTHONPATH": str(copy / "user_code/src")}
    return subprocess.run([*command], cwd=copy, env=environ, text=True, capture_output=True, check=False)


def test_compose_knows_the_deployment_alone(copy: Path) -> None:
    """A service that waits for the demo would never start."""
    answer = run(copy, "docker", "compose", "--project-name", "x", "--profile", "*", "config", "--format", "json")
    services = json.loads(answer.stdout)["services"]
    assert {"webserver", "daemon", "user_code", "launch_gateway"} <= services.keys()
    assert "demo" not in answer.stdout.replace(str(copy), "")
    assert not {"users_api", "evaluation"} & services.keys()


@pytest.mark.parametrize(
    "tests",
    [
        ("tests/static",),
        # These load the code location.
        ("tests/unit/test_imports.py", "tests/integration/test_code_server.py"),
        # The others host one of their own, or none. They can fail only where they import something that is gone.
        ("tests/unit", "tests/integration", "tests/stack", "--collect-only"),
    ],
    ids=["static", "loading", "collected"],
)
def test_the_other_tiers_pass(copy: Path, tests: tuple[str, ...]) -> None:
    """A team keeps these tests, and adds its own."""
    ran = run(copy, sys.executable, "-m", "pytest", "-q", *tests)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]


def test_make_knows_no_verb_of_the_demo(copy: Path) -> None:
    """`make help` lists the verbs that work."""
    verbs = [line.split()[0] for line in run(copy, "make", "help").stdout.splitlines()]
    assert "up" in verbs
    assert not {"evaluate", "growth", "test-demo"} & set(verbs)
