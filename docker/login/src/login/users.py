"""The file of users: one line `name:role:hash` for each."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bcrypt

ROLES = ("viewer", "operator")
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
# bcrypt reads no more bytes; it would silently cut a longer password.
MAX_PASSWORD_BYTES = 72
MIN_PASSWORD_CHARACTERS = 12
# 2^12 rounds: a guess costs 0.2 s. `Passwords` remembers logged-in users.
ROUNDS = 12


class UserError(Exception):
    """A user cannot be created, or the file cannot be used; the message gives the reason."""


@dataclass(frozen=True)
class User:
    """A user who may log in."""

    name: str
    role: str
    password_hash: str

    @property
    def line(self) -> str:
        """The user's line in the file."""
        return f"{self.name}:{self.role}:{self.password_hash}"


def make_user(name: str, role: str, password: str) -> User:
    """A new user.

    Raises:
        UserError: name, role or password is not allowed.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"the name '{name}' is not allowed: small letters, digits and . _ @ - only, 64 at most")
    if role not in ROLES:
        raise UserError(f"the role '{role}' is not allowed: it must be {' or '.join(ROLES)}")
    if len(password) < MIN_PASSWORD_CHARACTERS or len(password.encode()) > MAX_PASSWORD_BYTES:
        raise UserError(f"a password has at least {MIN_PASSWORD_CHARACTERS} characters and at most {MAX_PASSWORD_BYTES} bytes")
    return User(name, role, bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode())


def read_users(path: Path) -> dict[str, User]:
    """The users of a file by name; none if there is no file yet.

    Raises:
        UserError: a line is not of the form `name:role:hash`.
    """
    if not path.exists():
        return {}
    users = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        parts = line.split(":")
        if len(parts) != 3 or parts[1] not in ROLES:  # noqa: PLR2004 - name, role, hash
            raise UserError(f"line {number} of {path} is not of the form name:role:hash: correct or delete that line")
        users[parts[0]] = User(*parts)
    return users


def write_user(path: Path, user: User) -> None:
    """Adds a user, or replaces the one with the same name; readers always see a complete file."""
    _write(path, {**read_users(path), user.name: user})


def remove_user(path: Path, name: str) -> None:
    """Removes a user.

    Raises:
        UserError: there is no user of that name.
    """
    users = read_users(path)
    if users.pop(name, None) is None:
        raise UserError(f"there is no user '{name}'")
    _write(path, users)


def _write(path: Path, users: Mapping[str, User]) -> None:
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_text("".join(f"{each.line}\n" for each in users.values()))
    aside.rename(path)


class Passwords:
    """Checks passwords against the file, and reads the file again after each change."""

    def __init__(self, path: Path) -> None:
        """Does not read the file yet."""
        self._path = path
        self._seen = 0
        self._users: Mapping[str, User] = {}
        # A page of the UI is a hundred requests, so a proved password is remembered until the file changes. The entry is a
        # keyed hash of password and address. The key is this process's own, so its memory alone reveals nothing useful.
        self._key = secrets.token_bytes(32)
        self._proved: dict[tuple[str, str], bytes] = {}
        # For unknown names, so that they take as long as known ones.
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(ROUNDS)).decode()

    def user(self, name: str, password: str, address: str) -> User | None:
        """The user of this name, if the password is right. Costs 0.2 s of CPU. `known` then finds the user from this address.

        Raises:
            UserError: the file cannot be used.
        """
        self._refresh()
        # The file may change during the 0.2 s: the proof then belongs to the old file, and is dropped with it. `_proved` is
        # read before `_users`, because another thread may replace both between the two reads.
        proved, user = self._proved, self._users.get(name)
        matches = bcrypt.checkpw(password.encode()[:MAX_PASSWORD_BYTES], (user.password_hash if user else self._nobody).encode())
        if user is None or not matches or len(password.encode()) > MAX_PASSWORD_BYTES:
            return None
        proved[name, address] = self._proof(password)
        return user

    def known(self, name: str, password: str, address: str) -> User | None:
        """The user of this name, if this address has already proved the password. Costs nothing.

        Raises:
            UserError: the file cannot be used.
        """
        self._refresh()
        proved = hmac.compare_digest(self._proved.get((name, address), b""), self._proof(password))
        return self._users.get(name) if proved else None

    def _proof(self, password: str) -> bytes:
        return hmac.digest(self._key, password.encode(), hashlib.sha256)

    def _refresh(self) -> None:
        changed = self._path.stat().st_mtime_ns if self._path.exists() else 0
        if changed != self._seen:
            self._users, self._proved, self._seen = read_users(self._path), {}, changed
