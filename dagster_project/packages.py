"""Finds where a project lists the packages that it needs, and whether a lock is still of these."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dagster_project.definitions import ProjectError, read_pyproject

# The files that decide which packages a project needs.
FILES = ("uv.lock", "requirements.txt", "pyproject.toml", "setup.py", "setup.cfg")
INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]\s*(\S+)", re.MULTILINE)
STAMP = re.compile(r"^# inputs: ([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Packages:
    """The file that lists a project's packages, and the file that locks them, if there is one."""

    listed: str
    locked: str | None = None


def packages_of(folder: Path) -> Packages:
    """Where a project lists its packages: uv.lock, else requirements.txt, else pyproject.toml or setup.py.

    Raises:
        ProjectError: there is no such file.
    """

    def there(name: str) -> bool:
        return (folder / name).is_file()

    if there("uv.lock") and there("pyproject.toml"):
        return Packages("pyproject.toml", "uv.lock")
    if there("requirements.txt"):
        return Packages("requirements.txt")
    # Older projects list their packages in setup.py, and have a pyproject.toml for tools only.
    in_pyproject = "project" in read_pyproject(folder)
    for name, counts in (("pyproject.toml", in_pyproject), ("setup.py", True), ("setup.cfg", True)):
        if counts and there(name):
            return Packages(name)
    raise ProjectError(f"the project in {folder} lists no packages: add [project] dependencies to its pyproject.toml")


def is_package(folder: Path) -> bool:
    """Whether the project is to be installed, as uv decides: it says so, names a build system, or has a setup.py."""
    pyproject = read_pyproject(folder)
    wish = pyproject.get("tool", {}).get("uv", {}).get("package")
    return bool(wish) if wish is not None else "build-system" in pyproject or (folder / "setup.py").is_file()


def deciding_files(project: Path) -> list[Path]:
    """The files of a project that decide which packages it needs: those of FILES, and what requirements.txt includes."""
    found = [project / name for name in FILES if (project / name).is_file()]
    for file in found:
        if file.suffix == ".txt":
            named = (file.parent / name for name in INCLUDED.findall(file.read_text(errors="replace")))
            found += [path for path in named if path.is_file() and path not in found and path.is_relative_to(project)]
    return found


def stamp(project: Path, deployment: Iterable[Path]) -> str:
    """A SHA-256 of all that decides the lock: the files of the project, and those of the deployment."""
    digest = hashlib.sha256()
    for name, file in (*((path.relative_to(project), path) for path in deciding_files(project)), *enumerate(deployment)):
        text = file.read_bytes()
        digest.update(b"%b %d:%b" % (str(name).encode(), len(text), text))
    return digest.hexdigest()


def stamp_in(lock: str) -> str | None:
    """The stamp in the text of a lock, or None."""
    found = STAMP.search(lock)
    return found[1] if found else None
