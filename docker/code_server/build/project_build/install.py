"""Creates /opt/venv from a lock, then installs the project itself beside it: a change of code leaves the environment as it is."""

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

VENV, INSTALLED = "/opt/venv", "/opt/installed"
# Python executes this line of a .pth file at each start: the .pth files of editable packages count there, too.
ADDED = f"import site; site.addsitedir('{INSTALLED}')\n"
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
    for folder in Path(VENV).glob("lib/python*/site-packages"):
        (folder / "installed.pth").write_text(ADDED)


def itself(project: Path, lock: Path) -> None:
    """Installs the packages in the project's folder where they stand: the project, if it is one, and others that it needs."""
    Path(INSTALLED).mkdir()
    places = [project / path for path in paths_in(lock.read_text())] + ([project] if is_package(project) else [])
    for place in places:
        editable = ["--editable"] if place.is_dir() else []
        uv("pip", "install", "--quiet", "--python", VENV, "--target", INSTALLED, "--no-deps", *editable, str(place))
    for times in Path(INSTALLED).glob("*.dist-info/uv_cache.json"):
        forget(times)


def forget(times: Path) -> None:
    """Removes uv's file with the times of a package's files, and its line in RECORD: they would change at each build."""
    record = times.with_name("RECORD")
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(line for line in lines if f"/{times.name}," not in line))
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
