"""Temporary files of runs: each run has a folder of its own, and none finds files that ended runs have left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Memory file systems that all runs of a worker share.
SHARED = (Path("/tmp"), Path("/dev/shm"), Path("/home/dagster"))  # noqa: S108 - they are what is cleaned
# A folder for each slot that executes a run at this moment, and a file beside it that is as old as the run. The time of the
# folder changes with its entries.
RUNS = Path("/tmp/runs")  # noqa: S108 - this container's own
STARTED = ".started"
# docker/bin/restart_if_hung counts in these files.
PROBES = {Path("/tmp/.failed_probes"), Path("/tmp/.failed_probes.new")}  # noqa: S108 - this container's own
# A worker that takes no other run makes this file.
ENDING = RUNS / "ending"
# Output of killed runs, with OUTPUT_STORE=postgres: no process sends it any more.
UNSENT, UNSENT_SECONDS = Path("/var/lib/dagster/compute_logs/unsent"), 86_400


@contextmanager
def own_folder() -> Iterator[Path]:
    """Yields a folder for a run's temporary files, after it has removed what ended runs have left."""
    remove_left(SHARED, RUNS)
    path = RUNS / str(os.getpid())
    started = path.with_suffix(STARTED)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    started.touch()
    try:
        yield path
    finally:
        started.unlink()
        shutil.rmtree(path, ignore_errors=True)


def mark(runs: Path = RUNS) -> None:
    """Notes that everything in memory file systems until now belongs to the worker and to the loaded code."""
    runs.mkdir(exist_ok=True)
    runs.with_suffix(".ready").touch()


def remove_unsent(folder: Path = UNSENT, seconds: int = UNSENT_SECONDS) -> None:
    """Removes output of runs that was not sent, and has not grown for a day."""
    old = time.time_ns() - seconds * 1_000_000_000
    for path, changed in _deepest_first(folder, set()):
        if changed < old:
            _remove(path)


def remove_left(shared: Iterable[Path], runs: Path) -> None:
    """Removes files that are newer than the mark, and older than every run that is active now."""
    since = runs.with_suffix(".ready").stat().st_ctime_ns
    starts = (_changed(path) for path in _entries(runs) if path.suffix == STARTED)
    until = min((start for start in starts if start), default=time.time_ns())
    for folder in shared:
        for path, changed in _deepest_first(folder, {runs, *PROBES}):
            if since < changed < until:
                _remove(path)


def _entries(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [Path(entry.path) for entry in os.scandir(folder)]
    return []


def _deepest_first(folder: Path, skipped: set[Path]) -> Iterator[tuple[Path, int]]:
    """Each path with the time of its last change. Removing a file changes its folder, so that of a folder comes first."""
    for path in _entries(folder):
        if path in skipped:
            continue
        changed = _changed(path) or 0
        if path.is_dir() and not path.is_symlink():
            yield from _deepest_first(path, skipped)
        yield path, changed


def _changed(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return path.lstat().st_ctime_ns
    return None


def _remove(path: Path) -> None:
    # A folder that holds files of an active run is not empty.
    with suppress(OSError):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
