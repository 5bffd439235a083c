"""A copy of the repository with a deployment of its own, because `make location` and `make deploy` change files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_api.client import Client
from operate.compose import ROOT, free_port
from operate.up import ensure_base_images
from tests.static.test_repository import tracked

if TYPE_CHECKING:
    import pytest

PROJECT = f"locations_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
PROJECTS = Path(__file__).with_name("projects")
UV = [sys.executable, "-m", "uv", "--quiet", "--no-config"]


@dataclass(frozen=True)
class House:
    """Describes the copy: its folder, the folder of the hosted projects, and the URL of its UI."""

    folder: Path
    projects: Path
    environ: dict[str, str]
    url: str

    def make(self, verb: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a target of the copy's Makefile, with `text` on standard input."""
        command = ["make", "--no-print-directory", verb, *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environ, text=True, input=text, capture_output=True, check=False)

    def made(self, verb: str, *arguments: str, text: str = "") -> str:
        """Returns the output of a target that must succeed."""
        done = self.make(verb, *arguments, text=text)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
        return done.stdout + done.stderr

    def compose(self, *arguments: str) -> str:
        """Returns the output of a `docker compose` command."""
        command = ["docker", "compose", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environ, text=True, capture_output=True, check=True).stdout

    def client(self, location: str) -> Client:
        """Returns the client of a code location."""
        return Client(self.url, location)


def copied(folder: Path) -> None:
    """Copies the repository, without its tests."""
    for path in tracked():
        if not path.startswith("tests/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)


def write_project(name: str, folder: Path) -> None:
    """Writes a project of these tests."""
    if name == "reports":
        write_scaffold(folder)
        return
    shutil.copytree(PROJECTS / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if name == "analytics":
        subprocess.run([*UV, "lock"], cwd=folder / name, check=True, capture_output=True)


def write_scaffold(folder: Path) -> None:
    """Writes the project that Dagster's own program makes, and what its user adds to it."""
    scaffold = [sys.executable, "-m", "uv", "tool", "run", "create-dagster", "project", "reports", "--no-uv-sync"]
    subprocess.run(scaffold, cwd=folder, check=True, capture_output=True)
    shutil.copytree(PROJECTS / "reports/defs", folder / "reports/src/reports/defs", dirs_exist_ok=True)
    shutil.copy(PROJECTS / "reports/env", folder / "reports/.env")
    subprocess.run([*UV, "add", "--frozen", "matplotlib"], cwd=folder / "reports", check=True, capture_output=True)


@contextmanager
def housed(request: pytest.FixtureRequest, above: Path, project: str, lines: str = "") -> Iterator[House]:
    """Yields a copy below a folder, which is not started yet. Removes its deployment at the end. `lines` are settings."""
    ensure_base_images(os.environ)
    folder, port = above / "deployment", free_port()
    copied(folder)
    given = (ROOT / ".env").read_text() if (ROOT / ".env").exists() else ""
    (folder / ".env").write_text(f"{given}{lines}COMPOSE_PROJECT_NAME={project}\nWEBSERVER_PORT={port}\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    house = House(folder, above, kept, f"http://127.0.0.1:{port}")
    try:
        yield house
    finally:
        if request.session.testsfailed:
            print(house.compose("ps", "--all"), house.compose("logs", "--tail", "60"))
        destroy = [sys.executable, "-m", "operate", "destroy", "--yes"]
        subprocess.run(destroy, cwd=folder, env=kept, check=True, capture_output=True)


@contextmanager
def hosting(request: pytest.FixtureRequest, above: Path, names: tuple[str, ...], lines: str = "") -> Iterator[House]:
    """Yields a running copy with the demo and these projects. `lines` are settings."""
    for name in names:
        write_project(name, above)
    with housed(request, above, PROJECT, lines) as house:
        for name in names:
            house.made("location", f"NAME={name}", f"FROM=../{name}")
        house.made("up")
        if "reports" in names:
            house.made("secret", "LOCATION=reports", "NAME=shop_api_key", text="0123456789")
        yield house
