"""Writes a table to a CSV file atomically: a reader sees the old file or the new one."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def write_csv(frame: pd.DataFrame, path: Path) -> int:
    """Writes `frame` without its index beside `path`, then renames it to `path`; returns the size in bytes.

    Raises:
        OSError: the folder cannot be written, or the disk is full; the old file stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            frame.to_csv(file, index=False, lineterminator="\n")
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        os.replace(aside, path)  # noqa: PTH105 - a rename over an existing file, by name
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(aside)  # noqa: PTH108 - mkstemp gave a string
        raise
    return path.stat().st_size
