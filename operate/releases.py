"""Remembers which images of a code location were released, and removes those that nobody needs.

`.releases/PROJECT/NAME` lists the tags, the newest last.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from operate.compose import ROOT, CommandError, run
from operate.locations import Location

FOLDER = ROOT / ".releases"
KEPT = 3


def file_of(project: str, location: Location) -> Path:
    """The file with the tags of a location."""
    return FOLDER / project / location.name


def tags_in(file: Path) -> list[str]:
    """The tags of past releases, the newest last."""
    return file.read_text().split() if file.exists() else []


def with_release(tags: Sequence[str], current: str | None, new: str) -> list[str]:
    """The list after a release of `new`. A release after a step back drops what came after that step."""
    known = list(tags)
    if current in known:
        known = known[: known.index(current) + 1]
    elif current is not None:
        known.append(current)
    return [*(tag for tag in known if tag != new), new]


def write_tags(file: Path, tags: Sequence[str]) -> None:
    """Writes the list of releases."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*tags, ""]))


def before(name: str, tags: Sequence[str], current: str | None) -> str:
    """The release of a location before its current one.

    Raises:
        CommandError: there is none.
    """
    earlier = tags[: tags.index(current)] if current is not None and current in tags else tags
    if not earlier:
        raise CommandError(f"{name} has no earlier release to go back to")
    return earlier[-1]


def check_image(location: Location, tag: str) -> None:
    """Raises `CommandError` if the image of a release is gone."""
    command = ["docker", "image", "inspect", f"{location.image}:{tag}"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise CommandError(f"the image of {location.name}'s release {tag} is gone: deploy the code of that time instead")


def surplus(present: Sequence[str], tags: Sequence[str], current: str) -> list[str]:
    """The tags of images that no release needs: the last three stay, and the current one."""
    return sorted(set(present) - set(tags[-KEPT:]) - {current})


def remove_surplus(location: Location, tags: Sequence[str], current: str) -> None:
    """Removes images that no release needs, also those of ended containers. Docker keeps those that a running one uses."""
    present = run(["docker", "image", "ls", "--format", "{{.Tag}}", location.image], capture=True).split()
    for tag in surplus(present, tags, current):
        subprocess.run(["docker", "rmi", "--force", f"{location.image}:{tag}"], capture_output=True, check=False)
