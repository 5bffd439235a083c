"""Copies a project into an image, without what belongs to the developer's machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

# `.env` holds secrets: the runs of the location read it from a volume. The others are made anew, or are of no use in a run.
LEFT_OUT = (
    ".env", ".env.*", ".envrc", ".git",
    ".venv", "venv", "__pycache__", "*.pyc", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis", ".idea", ".vscode", "node_modules", "*.egg-info", ".DS_Store",
)  # fmt: skip
# 1980: an image must not change with the time of a checkout.
MODIFIED = 315_532_800


def copy(project: Path, target: Path) -> None:
    """Copies the files, and gives each the same time of modification."""
    shutil.copytree(project, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            # A checkout may be readable by its owner only, and runs have another user.
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        os.utime(path, (MODIFIED, MODIFIED), follow_symlinks=False)


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[2]))
