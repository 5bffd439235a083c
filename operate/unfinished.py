"""Remembers that a restore or an upgrade has not ended. `make up` must not start what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operate.compose import CommandError
from operate.releases import FOLDER
from operate.safe_file import write_safely

# Whatever happens, the next verb must know of it.
FAILURES = (Exception, KeyboardInterrupt)


def _mark(project: str) -> Path:
    return FOLDER / f"{project}.unfinished"


@contextmanager
def in_between(project: str, remedy: str, work: str = "restore") -> Iterator[None]:
    """Marks the project until the block ends well.

    Raises:
        CommandError: something in the block failed. The message says what is to be done.
    """
    sentence = f"The {work} of '{project}' has not ended. {remedy}"
    _mark(project).parent.mkdir(exist_ok=True)
    write_safely(_mark(project), sentence)
    try:
        yield
    except FAILURES as error:
        raise CommandError(f"{said(error)}\n{sentence}") from error
    forget(project)


def said(error: BaseException) -> str:
    """The sentence of an error."""
    return str(error) or ("stopped" if isinstance(error, KeyboardInterrupt) else type(error).__name__)


def is_unfinished(project: str) -> bool:
    """Whether a restore or an upgrade has not ended."""
    return _mark(project).exists()


def forget(project: str) -> None:
    """Forgets it: the former release runs again, or `make destroy` has removed all."""
    _mark(project).unlink(missing_ok=True)


def check(project: str) -> None:
    """Raises `CommandError` if a restore or an upgrade has not ended."""
    if is_unfinished(project):
        raise CommandError(_mark(project).read_text())
