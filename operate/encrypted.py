"""Encrypts backups for a recipient and decrypts them, with age: https://age-encryption.org."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operate.compose import CommandError, run
from operate.env_file import env_file, settings

SETTING = "BACKUP_RECIPIENT"
BEGINNING = b"age-encryption.org/"


def recipient() -> str:
    """The public key for which backups are encrypted, or nothing.

    Raises:
        CommandError: there is one, and no `age`.
    """
    key = os.environ.get(SETTING) or settings(env_file()).get(SETTING, "")
    if key:
        check_age(SETTING)
    return key


def check_age(why: str) -> None:
    """Raises `CommandError` if the program is missing."""
    if shutil.which("age") is None:
        raise CommandError(f"{why} needs age, and there is none here: install the distribution's package `age`")


def encrypt(plain: Path, path: Path, key: str) -> None:
    """Writes the encrypted file. It gets its name only when it is whole.

    Raises:
        CommandError: `age` is missing, does not know the key, or the disk is full.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        run(["age", "--encrypt", "--recipient", key, "--output", str(aside), str(plain)], capture=True)
        aside.chmod(0o600)
        aside.rename(path)
    except CommandError as error:
        raise CommandError(f"{error}\n{SETTING} is set to '{key}': it must be a public key of `age-keygen`") from error
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def readable(path: Path, identity: str) -> Iterator[Path]:
    """A file as it was before its encryption. It holds passwords, and is removed at the end of the block.

    Raises:
        CommandError: the key is missing, or is another one.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        encrypted = file.read(len(BEGINNING)) == BEGINNING
    if not encrypted:
        yield path
        return
    if not identity:
        raise CommandError(f"{path} is encrypted: IDENTITY=key.txt names the file with the key that belongs to {SETTING}")
    check_age(str(path))
    # Beside the backup, because a file in /tmp may be in memory. Only its owner may read it.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".decrypted")
    os.close(descriptor)
    try:
        run(["age", "--decrypt", "--identity", identity, "--output", name, str(path)], capture=True)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
