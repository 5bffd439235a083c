"""Creates /opt/venv from a lock, then installs the project itself into it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dagster_project.definitions import ProjectError
from dagster_project.packages import is_package, stamp, stamp_in
from project_build.local_packages import paths_in

VENV = "/opt/venv"
LOCKED_FOR = re.compile(r"^# python: (\S+)$", re.MULTILINE)


def uv(*arguments: str) -> None:
    """Runs uv. Raises `ProjectError` with its output if it fails."""
    # Git's history is not in the image, so packages that take their version from it need one.
    environ = {"SETUPTOOLS_SCM_PRETEND_VERSION": "0", **os.environ}
    done = subprocess.run(["uv", *arguments], env=environ, text=True, capture_output=True, check=False)
    if done.returncode:
        raise ProjectError(f"uv {' '.join(arguments[:2])} failed: {done.stderr.strip()[-3000:]}")


def check(lock: str, expected: str) -> None:
    """Raises `ProjectError` if the lock is not of these files, or of another Python."""
    python = ".".join(platform.python_version_tuple()[:2])
    made_for = LOCKED_FOR.search(lock)
    if stamp_in(lock) != expected:
        raise ProjectError("its lock is missing, or older than the list of its packages: `make up` writes it")
    if made_for is None or made_for[1] != python:
        raise ProjectError(f"its lock is not for Python {python} of its image: remove the lock, then `make up` writes it anew")


def packages(project: Path, lock: Path, *deployment: Path) -> None:
    """Installs the locked packages."""
    check(lock.read_text() if lock.exists() else "", stamp(project, deployment))
    uv("venv", "--quiet", "--python", sys.executable, "--no-python-downloads", VENV)
    uv("pip", "sync", "--quiet", "--require-hashes", "--python", VENV, "--compile-bytecode", str(lock))


def itself(project: Path, lock: Path) -> None:
    """Installs the packages in the project's folder where they stand: the project, if it is one, and others that it needs."""
    places = [project / path for path in paths_in(lock.read_text())] + ([project] if is_package(project) else [])
    for place in places:
        editable = ["--editable"] if place.is_dir() else []
        uv("pip", "install", "--quiet", "--python", VENV, "--no-deps", *editable, str(place))
    # They hold times of files, and would give each build of the same code another image.
    for times in Path(VENV).glob("lib/python*/site-packages/*.dist-info/uv_cache.json"):
        times.unlink()


STEPS: dict[str, Callable[..., None]] = {"packages": packages, "itself": itself}


def main(arguments: Sequence[str]) -> None:
    """Ends with one sentence if the project cannot be installed."""
    what, *paths = arguments
    try:
        STEPS[what](*map(Path, paths))
    except ProjectError as error:
        sys.exit(f"project: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
