"""All tests of this folder share a real Postgres, and a DAGSTER_HOME with the shipped dagster.yaml."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.surroundings import surroundings
from tests.integration.webserver import Webserver, webserver


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """Yields the folder of the servers. Root starts Postgres as another user, who must be able to enter the folder.

    It is not below pytest's own folder: each pytest that starts closes that folder to other users, even to running servers.
    """
    with tempfile.TemporaryDirectory(prefix="servers", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="package")
def environment(folder: Path) -> Iterator[dict[str, str]]:
    """Yields the environment variables that a Dagster process needs."""
    with surroundings(folder) as environ:
        yield environ


@pytest.fixture
def in_environment(environment: dict[str, str], clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Sets these variables in this process, and returns them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture(scope="package")
def migrated(environment: dict[str, str]) -> dict[str, str]:
    """Returns the same environment after the service `migrate` has run."""
    migrate(environment)
    return environment


@pytest.fixture(scope="module")
def running(migrated: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webserver]:
    """Yields a running webserver without a code location."""
    folder = tmp_path_factory.mktemp("webserver")
    (folder / "workspace.yaml").write_text("load_from: []")
    with webserver(folder, migrated) as process:
        yield process


def migrate(environ: dict[str, str]) -> None:
    """Runs the command of the service `migrate`."""
    command = [sys.executable, "-m", "dagster_services.database.migrate"]
    ended = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
