"""`make evaluate` unpacks the report of its container on the host."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from demo.evaluate import FILES, unpack


def archive(*names: str) -> io.BytesIO:
    """Returns a rewound tar archive as the container writes it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    stream.seek(0)
    return stream


def test_unpack_replaces_the_files_of_the_last_report(tmp_path: Path) -> None:
    """The user must find the new report in place of the last one."""
    (tmp_path / "evaluation.md").write_text("old")
    assert unpack(archive(*FILES), tmp_path) == sorted(FILES)
    assert (tmp_path / "evaluation.md").read_text() == "evaluation.md"


def test_unpack_reads_what_follows_the_archive(tmp_path: Path) -> None:
    """`docker compose run` fails if nobody reads the padding, and then `make evaluate` fails with a whole report."""
    stream = io.BytesIO(archive(*FILES).getvalue() + bytes(tarfile.RECORDSIZE))
    assert unpack(stream, tmp_path) == sorted(FILES)
    assert stream.read() == b""


def test_unpack_keeps_the_last_report_if_the_container_wrote_nothing(tmp_path: Path) -> None:
    """The container has already printed its own message on standard error."""
    (tmp_path / "evaluation.md").write_text("old")
    assert unpack(io.BytesIO(b""), tmp_path) == []
    assert (tmp_path / "evaluation.md").read_text() == "old"


def test_unpack_keeps_the_last_report_if_the_archive_is_incomplete(tmp_path: Path) -> None:
    """Docker may kill the container while it writes."""
    (tmp_path / "evaluation.md").write_text("old")
    whole = archive(*FILES).getvalue()
    for length in range(0, 3 * 1024, 256):
        assert unpack(io.BytesIO(whole[:length]), tmp_path) == [], length
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"evaluation.md": "old"}


def test_unpack_writes_no_file_outside_the_folder(tmp_path: Path) -> None:
    """An archive of the container must not overwrite other files of the host."""
    folder = tmp_path / "reports"
    folder.mkdir()
    with pytest.raises(tarfile.FilterError):
        unpack(archive("../outside"), folder)
    assert not (tmp_path / "outside").exists()
