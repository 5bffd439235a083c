"""Locks the packages of a project: exact versions with hashes, together with Dagster in the versions of this deployment."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from dagster_project.definitions import ProjectError, read_pyproject
from dagster_project.packages import packages_of, stamp
from project_build.dagster_versions import PIN, named, pins, refused, unpinned
from project_build.local_packages import header, split

MESSAGE_CHARACTERS = 3_000


@dataclass(frozen=True)
class Deployment:
    """The deployment's own files: the packages that every code location needs, and the versions that all images share."""

    needed: Path
    versions: Path

    @property
    def strict(self) -> str:
        """The constraints of every package: newer versions of filelock are avoided for speed only."""
        return self.versions.read_text()

    @property
    def loose(self) -> str:
        """The constraints without which a code location does not work."""
        return "\n".join(line for line in self.strict.splitlines() if not line.startswith("filelock"))

    @property
    def dagster(self) -> str:
        """The version of Dagster."""
        return pins(self.versions.read_text())["dagster"]


def check_python(project: Path) -> None:
    """Raises `ProjectError` if the project does not allow the Python of the image."""
    wish = str(read_pyproject(project).get("project", {}).get("requires-python", ""))
    try:
        allowed = SpecifierSet(wish).contains(platform.python_version())
    except InvalidSpecifier:
        raise ProjectError(f"requires-python in its pyproject.toml is '{wish}', which is not a range of versions") from None
    if not allowed:
        raise ProjectError(
            f"the project requires Python {wish}, and its image has Python {platform.python_version()}: set PYTHON_IMAGE "
            "under build.args of its compose.yml to an image that fits, or widen requires-python"
        )


def uv(*arguments: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Runs uv in the project's folder: uv reads the project's own settings there."""
    return subprocess.run(["uv", *arguments], cwd=project, text=True, capture_output=True, check=False)


def exported(project: Path) -> str:
    """The pins of the project's uv.lock.

    Raises:
        ProjectError: uv cannot read it.
    """
    command = ("export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--no-annotate", "--no-header")
    done = uv(*command, project=project)
    if done.returncode:
        raise ProjectError(f"uv cannot read uv.lock: {done.stderr.strip()[-MESSAGE_CHARACTERS:]}")
    # Paths and URLs are no preferences.
    return "".join(line for line in done.stdout.splitlines(keepends=True) if PIN.match(line))


def compiled(project: Path, files: Sequence[str], preferred: str, overrides: str, constraints: str) -> tuple[str, str]:
    """The lock of the packages in `files`, and uv's error; one is empty. uv keeps a version of `preferred` where it can."""
    with tempfile.TemporaryDirectory() as folder:
        lock, override, constraint = (Path(folder, f"{name}.txt") for name in ("lock", "overrides", "constraints"))
        for file, text in ((lock, preferred), (override, overrides), (constraint, constraints)):
            file.write_text(text)
        options = ("--generate-hashes", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet")
        python = ("--python", sys.executable, "--no-python-downloads")
        outcome = ("--constraint", str(constraint), "--override", str(override), "--output-file", str(lock))
        done = uv("pip", "compile", *options, *files, *python, *outcome, project=project)
        return ("", done.stderr) if done.returncode else (lock.read_text(), "")


def locked(project: Path, deployment: Deployment, before: str) -> tuple[str, list[str]]:
    """The lock of a project, and sentences on what differs from its wishes. `before` is the present lock.

    A project that pins other versions of Dagster gets those of this deployment: webserver, daemon and code server talk to each
    other, and share tables.

    Raises:
        ProjectError: the packages cannot be resolved, or the project does not allow this Python.
    """
    check_python(project)
    packages = packages_of(project)
    wishes = named((project / packages.listed).read_text())
    pinned = exported(project) if packages.locked else ""
    files = (packages.listed, str(deployment.needed))
    overrides = unpinned(wishes)
    lock, error = "", ""
    for attempt in (("", deployment.strict), (overrides, deployment.strict), (overrides, deployment.loose)):
        if not lock:
            lock, error = compiled(project, files, pinned or before, *attempt)
    if not lock:
        raise ProjectError(
            f"the packages in {packages.listed} cannot be resolved together with Dagster {deployment.dagster}, the version of "
            f"this deployment: {error.strip()[-MESSAGE_CHARACTERS:]}\nChange the requirement that uv names."
        )
    return lock, list(refused(wishes, pins(pinned), pins(lock)))


def main(arguments: Sequence[str]) -> None:
    """Writes `requirements.txt`, or `refused.txt` with the reason, into a folder: the build itself always succeeds."""
    project, needed, versions, before, target = (Path(argument).resolve() for argument in arguments)
    deployment = Deployment(needed, versions)
    try:
        lock, notes = locked(project, deployment, before.read_text() if before.exists() else "")
        lock, local = split(lock, project)
    except ProjectError as error:
        (target / "refused.txt").write_text(f"{error}\n")
        return
    major, minor, _ = platform.python_version_tuple()
    top = [
        "# The packages of this code location. `make up`, `make deploy` and `make location` write this file.",
        f"# python: {major}.{minor}",
        f"# inputs: {stamp(project, (needed, versions))}",
        *(f"# note: {note}" for note in notes),
        *header(local),
    ]
    (target / "requirements.txt").write_text("\n".join([*top, lock]))


if __name__ == "__main__":
    os.umask(0o022)
    main(sys.argv[1:])
