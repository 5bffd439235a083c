"""Keys of age for tests of encrypted backups."""

from __future__ import annotations

import subprocess
from pathlib import Path


def new_key(file: Path) -> Path:
    """Writes a key to a file; returns the file."""
    subprocess.run(["age-keygen", "--output", file], check=True, capture_output=True)
    return file


def public(key: Path) -> str:
    """Returns the public key that belongs to it."""
    return subprocess.run(["age-keygen", "-y", key], text=True, check=True, capture_output=True).stdout.strip()
