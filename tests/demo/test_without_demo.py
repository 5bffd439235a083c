"""A team deletes the demo and adds its own package. The rest of the repository must still work."""

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
from tests.manual import example
from tests.static.test_repository import tracked

DELETED = ("demo/", "tests/demo/", "user_code/src/")
KEPT = [f"tests/{name}" for name in ("static", "unit", "integration", "stack", "login", "locations", "drills")]
INCLUDE = re.compile(r"^  # The demo.*\n  - \{path: demo/.*\n", re.MULTILINE)
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the repository without the demo. Its code location is the smallest project of the manual."""
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
    (package / "definitions.py").write_text(example("python"))
    (folder / "user_code/settings.env").write_text("# This code has no settings.\n")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def run_in_copy(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the copy. Python finds the packages of the copy first."""
    environ = {**os.environ, "PYTHONPATH": str(copy / "user_code/src")}
    return subprocess.run([*command], cwd=copy, env=environ, text=True, capture_output=True, check=False)


def test_compose_lists_no_service_of_the_demo(copy: Path) -> None:
    """A service that depends on a service of the demo would never start."""
    answer = run_in_copy(copy, "docker", "compose", "--project-name", "x", "--profile", "*", "config", "--format", "json")
    services = json.loads(answer.stdout)["services"]
    assert {"webserver", "daemon", "user_code", "launch_gateway"} <= services.keys()
    assert "demo" not in answer.stdout.replace(str(copy), "")
    assert not {"users_api", "evaluation"} & services.keys()


def test_other_tests_pass_without_the_demo(copy: Path) -> None:
    """A team keeps these tests, and adds its own tests.

    Those of the text run, and those that load the code location. The others host their own code location, or none: without
    the demo, only a missing import can make them fail.
    """
    chosen = "static or test_imports.py or serves_its_code_location"
    ran = run_in_copy(copy, sys.executable, "-m", "pytest", "-v", *KEPT, "-k", chosen)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    passed = set(re.findall(r"^tests/(\w+)(?=.* PASSED)", ran.stdout, re.MULTILINE))
    assert passed == {"static", "unit", "integration"}


def test_make_help_lists_no_target_of_the_demo(copy: Path) -> None:
    """A team must find only targets that work."""
    verbs = [line.split()[0] for line in run_in_copy(copy, "make", "help").stdout.splitlines()]
    assert "up" in verbs
    assert not {"evaluate", "growth", "test-demo"} & set(verbs)
