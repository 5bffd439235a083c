"""Records the release that runs, so that `make upgrade` can start it again after its files have changed.

`.releases/PROJECT.running/` holds the Compose model with all settings filled in, `.releases/PROJECT.files/` the files that
containers mount.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operate.compose import ROOT, CommandError, run
from operate.frozen import copy, frozen, mounted
from operate.releases import FOLDER
from operate.safe_file import write_safely

LOCK = "docker/dagster/requirements.txt"
COMPOSE, FACTS, FILES = "compose.json", "facts.json", "files"
NOTHING = (
    "nothing says which release runs: `make up` of that release writes it down. Or keep its folder, and type: "
    "make upgrade FROM=../that-folder"
)


@dataclass(frozen=True)
class Recorded:
    """A release that was written down, in a folder."""

    folder: Path

    @property
    def model(self) -> dict[str, Any]:
        """Its Compose model, as it was at that time."""
        parsed: dict[str, Any] = json.loads((self.folder / COMPOSE).read_text())
        return parsed

    @property
    def lasting(self) -> dict[str, Any]:
        """The model without services that only a profile starts."""
        model = self.model
        return {**model, "services": {name: each for name, each in model["services"].items() if not each.get("profiles")}}

    @property
    def dagster(self) -> str:
        """Its version of Dagster."""
        return str(json.loads((self.folder / FACTS).read_text())["dagster"])

    @property
    def is_there(self) -> bool:
        """Whether it was written down."""
        return (self.folder / FACTS).exists()

    def become(self, other: Recorded) -> None:
        """Writes this record in the place of another one."""
        for name in (COMPOSE, FACTS):
            write_safely(other.folder / name, (self.folder / name).read_text())

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Lets every command of Compose in the block see this release, instead of the one in the checkout."""
        before = os.environ.get("COMPOSE_FILE")
        os.environ["COMPOSE_FILE"] = str(self.folder / COMPOSE)
        try:
            yield
        finally:
            os.environ.pop("COMPOSE_FILE")
            if before is not None:
                os.environ["COMPOSE_FILE"] = before


def running(project: str) -> Recorded:
    """The release that the last `make up`, `make deploy` or `make upgrade` started."""
    return Recorded(FOLDER / f"{project}.running")


def locked_dagster(root: Path = ROOT) -> str:
    """The version of Dagster in a checkout.

    Raises:
        CommandError: the folder holds no release of this deployment.
    """
    file = root / LOCK
    found = re.search(r"^dagster==(\S+)", file.read_text() if file.exists() else "", re.MULTILINE)
    if not found:
        raise CommandError(f"{file} names no version of Dagster: is {root} a folder of this deployment?")
    return found[1]


def record(project: str, root: Path = ROOT) -> None:
    """Writes down the release in a checkout. Passwords of settings are in it: only its owner may read it.

    Raises:
        CommandError: the folder holds no release, or Compose rejects its settings.
    """
    dagster, model = locked_dagster(root), config(root)
    files = files_of(project, model, root)
    there = running(project).folder
    there.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_safely(there / COMPOSE, json.dumps(frozen(model, root, files), indent=1))
    write_safely(there / FACTS, json.dumps({"dagster": dagster}))
    remove_unused_files(project)


def config(root: Path) -> dict[str, Any]:
    """The Compose model of a checkout, with services of every profile. A path that is a link is resolved."""
    command = ["docker", "compose", "--profile", "*", "config", "--format", "json"]
    parsed: dict[str, Any] = json.loads(run(command, capture=True, folder=root, env={**os.environ, "PWD": str(root)}))
    return parsed


def files_of(project: str, model: Mapping[str, Any], root: Path) -> Path:
    """Copies the files of a checkout that its containers mount; returns the folder, whose name is their hash.

    Containers mount this folder after a return to the former release, so that it must stay.
    """
    new = FOLDER / f"{project}.{FILES}" / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700, parents=True)
    copy(mounted(model, root), root, new)
    digest = hashlib.sha256()
    for file in sorted(path for path in new.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(new)} {file.stat().st_size}\n".encode() + file.read_bytes())
    target = new.with_name(digest.hexdigest()[:16])
    if target.exists():
        shutil.rmtree(new)
    else:
        new.rename(target)
    return target


def remove_unused_files(project: str) -> None:
    """Removes copies of files that neither the running nor the former release names."""
    texts = [file.read_text() for file in FOLDER.glob(f"{project}.*/{COMPOSE}")]
    for folder in (FOLDER / f"{project}.{FILES}").glob("*"):
        if not any(str(folder) in text for text in texts):
            shutil.rmtree(folder)


def forget_records(project: str) -> None:
    """Forgets the releases of a project: `make destroy` has removed all."""
    for folder in FOLDER.glob(f"{project}.*/"):
        shutil.rmtree(folder)


def check_same_dagster(project: str) -> None:
    """Raises `CommandError` if the deployment runs another version of Dagster: its tables change."""
    there = running(project)
    if there.is_there and there.dagster != (here := locked_dagster()):
        raise CommandError(
            f"Dagster {there.dagster} runs here, and this release has {here}: `make upgrade` keeps a backup, and returns to "
            f"Dagster {there.dagster} if {here} does not work"
        )
