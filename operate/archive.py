"""The file of a backup: a tar file whose last member, the manifest, lists the others with their sizes and hashes."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

FORMAT = 1
MANIFEST = "manifest.json"
PIECE = 2**20
DAMAGED = "the backup is damaged: {}. Take another one."


class ArchiveError(Exception):
    """A file is no backup, or a damaged one. The message is a sentence."""


@dataclass
class Writer:
    """Writes members whose sizes are not known before they end."""

    file: BinaryIO
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, fill: Callable[[Callable[[bytes], None]], None]) -> None:
        """Adds a member. `fill` gets a function that takes its bytes, piece by piece.

        Raises:
            OSError: the disk is full.
        """
        start, digest, size = self.file.tell(), hashlib.sha256(), 0
        self.file.write(_header(name, 0))

        def write(piece: bytes) -> None:
            nonlocal size
            digest.update(piece)
            size += len(piece)
            self.file.write(piece)

        try:
            fill(write)
        except BaseException:
            # The next member begins where this one began.
            self.file.seek(start)
            self.file.truncate()
            raise
        self.file.write(b"\0" * (-size % tarfile.BLOCKSIZE))
        end = self.file.tell()
        self.file.seek(start)
        self.file.write(_header(name, size))
        self.file.seek(end)
        self.members[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Adds the manifest, and ends the file."""
        text = json.dumps({"format": FORMAT, **facts, "members": self.members}, indent=1).encode()
        self.add(MANIFEST, lambda write: write(text))
        self.file.write(b"\0" * tarfile.BLOCKSIZE * 2)


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member.tobuf(tarfile.GNU_FORMAT)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path`, which gets that name only if the block ends well. Only its owner may read it."""
    aside = path.with_name(f".{path.name}.part")
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)


@dataclass(frozen=True)
class Archive:
    """A backup that was read completely, and is whole."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(int(member["bytes"]) for member in self.manifest["members"].values())

    def names(self, folder: str) -> list[str]:
        """The members of a folder, without the folder's name."""
        return [name.removeprefix(f"{folder}/") for name in self.manifest["members"] if name.startswith(f"{folder}/")]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A member."""
        with tarfile.open(self.path, "r:") as tar:
            file = tar.extractfile(name)
            if file is None:
                raise ArchiveError(DAMAGED.format(f"{name} is no file"))
            yield file


def read(path: Path) -> Archive:
    """Reads a backup, and checks every byte of it.

    Raises:
        ArchiveError: it is no backup, is damaged, or was made by a newer release.
        OSError: it cannot be read.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            names = tar.getnames()
            if MANIFEST not in names:
                raise ArchiveError(f"{path} is no whole backup: it has no {MANIFEST}")
            manifest = _manifest(tar)
            _check_members(tar, manifest, names)
    except tarfile.TarError as error:
        raise ArchiveError(f"{path} is no backup, or is cut off: {error}") from error
    return Archive(path, manifest)


def _manifest(tar: tarfile.TarFile) -> Mapping[str, Any]:
    file = tar.extractfile(MANIFEST)
    try:
        found: dict[str, Any] = json.loads(file.read() if file else b"")
        version = int(found["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(DAMAGED.format(f"{MANIFEST} cannot be read")) from error
    if version > FORMAT:
        raise ArchiveError(f"the backup has format {version}, and this release knows {FORMAT}: restore it with a newer release")
    return found


def _check_members(tar: tarfile.TarFile, manifest: Mapping[str, Any], names: list[str]) -> None:
    if missing := sorted(set(manifest["members"]) - set(names)):
        raise ArchiveError(DAMAGED.format(f"{missing[0]} is missing"))
    for name, member in manifest["members"].items():
        file = tar.extractfile(name)
        if file is None or _sha256(file) != member["sha256"]:
            raise ArchiveError(DAMAGED.format(f"{name} has another hash than in the manifest"))


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
