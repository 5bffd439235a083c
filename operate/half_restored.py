"""Remembers that a restore has removed data and has not ended. `make up` must not start what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operate.compose import CommandError
from operate.releases import FOLDER


def _mark(project: str) -> Path:
    return FOLDER / f"{project}.restoring"


@contextmanager
def in_between(project: str, remedy: str) -> Iterator[None]:
    """Marks the project until the block ends well.

    Raises:
        CommandError: something in the block failed. The message says what is to be done.
    """
    mark = _mark(project)
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(remedy)
    try:
        yield
    except (CommandError, OSError, KeyboardInterrupt) as error:
        raise CommandError(f"{str(error) or 'stopped'}\nThe restore of '{project}' has not ended. {remedy}") from error
    mark.unlink()


def is_half_restored(project: str) -> bool:
    """Whether a restore has not ended."""
    return _mark(project).exists()


def forget(project: str) -> None:
    """Forgets a restore: `make destroy` has removed all."""
    _mark(project).unlink(missing_ok=True)


def check(project: str) -> None:
    """Raises `CommandError` if a restore has not ended."""
    if is_half_restored(project):
        raise CommandError(f"a restore of '{project}' has not ended. {_mark(project).read_text()}")
