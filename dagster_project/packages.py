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
# A path in requirements.txt.
LOCAL = re.compile(r"^\s*(?:(?:-e|--editable)[ =]\s*|(?=\.{1,2}/))([^\s;#\[]+)", re.MULTILINE)
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
    """The FILES of a project and of its local packages, and the files that its requirements.txt includes."""
    found = _files_in(project)
    for file in found:
        if file.suffix == ".txt":
            named = (file.parent / name for name in INCLUDED.findall(file.read_text(errors="replace")))
            found += [path for path in named if path.is_file() and path not in found and path.is_relative_to(project)]
    texts = [file.read_text(errors="replace") for file in found if file.suffix == ".txt"]
    return [*found, *(file for place in _local_packages(project, texts) for file in _files_in(place) if file not in found)]


def _files_in(folder: Path) -> list[Path]:
    return [folder / name for name in FILES if (folder / name).is_file()]


def _local_packages(project: Path, texts: Iterable[str]) -> list[Path]:
    """The folders of other packages in the project's folder, on which it depends by their path."""
    uv = read_pyproject(project).get("tool", {}).get("uv", {})
    sources = [each for source in uv.get("sources", {}).values() for each in (source if isinstance(source, list) else [source])]
    places = [project / source["path"] for source in sources if "path" in source]
    places += [place for member in uv.get("workspace", {}).get("members", []) for place in sorted(project.glob(member))]
    places += [project / path for text in texts for path in LOCAL.findall(text)]
    inside = [place.resolve() for place in places if place.resolve().is_relative_to(project.resolve())]
    return [project / place.relative_to(project.resolve()) for place in inside if place != project.resolve()]


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
