"""`make evaluate` on the host: what it takes from the container."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from demo.evaluate import FILES, unpack


def archive(*names: str) -> io.BytesIO:
    """A tar archive as the container writes it, rewound."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    stream.seek(0)
    return stream


def test_the_files_of_the_report_are_unpacked(tmp_path: Path) -> None:
    """Over those of the last one."""
    (tmp_path / "evaluation.md").write_text("old")
    assert unpack(archive(*FILES), tmp_path) == sorted(FILES)
    assert (tmp_path / "evaluation.md").read_text() == "evaluation.md"


def test_a_container_that_wrote_nothing_leaves_the_last_report(tmp_path: Path) -> None:
    """Its own message is on standard error already."""
    (tmp_path / "evaluation.md").write_text("old")
    assert unpack(io.BytesIO(b""), tmp_path) == []
    assert (tmp_path / "evaluation.md").read_text() == "old"


def test_an_archive_that_ends_early_leaves_the_last_report(tmp_path: Path) -> None:
    """The container was killed while it wrote."""
    (tmp_path / "evaluation.md").write_text("old")
    whole = archive(*FILES).getvalue()
    for length in range(0, 3 * 1024, 256):
        assert unpack(io.BytesIO(whole[:length]), tmp_path) == [], length
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"evaluation.md": "old"}


def test_nothing_is_written_beside_the_folder(tmp_path: Path) -> None:
    """Whatever the container says."""
    folder = tmp_path / "reports"
    folder.mkdir()
    with pytest.raises(tarfile.FilterError):
        unpack(archive("../outside"), folder)
    assert not (tmp_path / "outside").exists()
