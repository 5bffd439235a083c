"""Writes files that a power cut leaves as they were, or as they are to be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_safely(path: Path, text: str) -> None:
    """Replaces a file. Only its owner may read a new one."""
    aside = path.with_name(f".{path.name}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, aside)
    aside.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Writes a folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
