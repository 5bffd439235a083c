"""Copies only the files of a project that decide its packages: a change of its code then keeps the environment."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dagster_project.packages import deciding_files


def copy_inputs(project: Path, target: Path) -> None:
    """Copies the files to the same places below `target`."""
    target.mkdir(parents=True)
    for file in deciding_files(project):
        copy = target / file.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


if __name__ == "__main__":
    copy_inputs(Path(sys.argv[1]), Path(sys.argv[2]))
