"""A real Postgres and a DAGSTER_HOME made of the shipped dagster.yaml, once for all tests here."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.surroundings import surroundings


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """Where the servers keep what they need; a server that root lends another user must be able to get there.

    Not below pytest's own folder: each pytest that starts closes that to others, also under a server that is running.
    """
    with tempfile.TemporaryDirectory(prefix="servers", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="package")
def environment(folder: Path) -> Iterator[dict[str, str]]:
    """Returns the environment variables that a Dagster process needs."""
    with surroundings(folder) as environ:
        yield environ


@pytest.fixture
def in_environment(environment: dict[str, str], clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The same for code in this process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture(scope="package")
def migrated(environment: dict[str, str]) -> dict[str, str]:
    """Returns the same environment, after the service `migrate` has done its work."""
    migrate(environment)
    return environment


def migrate(environ: dict[str, str]) -> None:
    """Runs what the service `migrate` runs."""
    command = [sys.executable, "-m", "dagster_services.database.migrate"]
    ended = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
