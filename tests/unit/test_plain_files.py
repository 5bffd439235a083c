"""The webserver opens only regular files of a folder, even while other users change the folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Thread

import pytest

from dagster_services.webserver.plain_files import open_file, open_folder, parts


def content(base: Path, *names: str) -> bytes | None:
    """Returns the content of the file, or None if `open_file` finds none."""
    file = open_file(str(base), names)
    if file is None:
        return None
    with file:
        return file.read()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Returns a folder with a file in a subfolder. A secret file lies outside the folder."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/out").write_text("secret")
    (tmp_path / "base/run").mkdir(parents=True)
    (tmp_path / "base/run/out").write_text("log")
    return tmp_path / "base"


def test_open_file_returns_none_if_there_is_no_file(base: Path) -> None:
    """A folder, a path through a file, and an impossible name must not raise an error."""
    assert content(base, "run", "out") == b"log"
    for names in (("none",), ("none", "out"), ("run",), ("run", "out", "x"), ("x" * 300,)):
        assert content(base, *names) is None, names


def test_open_file_follows_no_link(base: Path) -> None:
    """A run could link to any file that the webserver can read."""
    (base / "file").symlink_to("../secret/out")
    (base / "folder").symlink_to("../secret")
    (base / "inside").symlink_to("run/out")
    for names in (("file",), ("folder", "out"), ("inside",)):
        assert content(base, *names) is None, names


def test_open_file_does_not_wait_for_a_pipe_socket_or_device(base: Path) -> None:
    """A pipe without a writer would block the webserver."""
    os.mkfifo(base / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(base / "socket"))
        for names in (("pipe",), ("socket",)):
            assert content(base, *names) is None, names
    assert content(Path("/dev"), "zero") is None


def test_open_folder_stays_the_same_folder_after_a_swap(base: Path) -> None:
    """A run could replace the folder between its check and the opening of a file in it."""
    with open_folder(str(base), ["run"]) as folder:
        (base / "run").rename(base / "kept")
        (base / "run").symlink_to("../secret")
        with os.fdopen(os.open("out", os.O_RDONLY, dir_fd=folder), "rb") as file:
            assert file.read() == b"log"
    assert content(base, "run", "out") is None


def test_open_file_never_follows_a_link_that_appears_for_a_moment(base: Path) -> None:
    """A check before the opening once showed the secret in 62 of 801 answers."""
    (base / "link").symlink_to("../secret/out")
    (base / "file").write_text("log")
    going = True

    def swap() -> None:
        while going:
            for name in ("link", "file"):
                os.link(base / name, base / "new", follow_symlinks=False)
                (base / "new").replace(base / "shown")
                (base / "new").unlink(missing_ok=True)

    swapping = Thread(target=swap)
    swapping.start()
    try:
        assert {content(base, "shown") for _ in range(2000)} <= {None, b"log"}
    finally:
        going = False
        swapping.join()


@pytest.mark.parametrize("names", [["..", "x"], ["a/../..", "x"], ["/etc", "x"], ["a", ""], ["a", "."], ["a//b"]])
def test_parts_rejects_names_that_leave_the_folder(names: list[str]) -> None:
    """A key of Dagster may hold a path, and a client chooses the key."""
    with pytest.raises(ValueError, match=r"^Invalid path$"):
        parts(names)


def test_parts_splits_a_name_that_holds_a_path() -> None:
    """The webserver opens each part separately, so that it follows no link."""
    assert parts(["a/b", "c"]) == ["a", "b", "c"]
