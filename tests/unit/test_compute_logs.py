"""The output of runs, as the webserver reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from dagster_services.webserver.compute_logs import MAX_READ_BYTES, TAIL_BYTES, GuardedComputeLogManager

KEY = ["run", "compute_logs", "step"]


@pytest.fixture
def manager(tmp_path: Path) -> GuardedComputeLogManager:
    """One whose folder has a log."""
    with LocalComputeLogManager(str(tmp_path)).open_log_stream(KEY, ComputeIOType.STDOUT) as stream:
        assert stream
        stream.write("hello")
    return GuardedComputeLogManager(str(tmp_path))


def test_a_log_is_read_from_where_the_cursor_says(manager: GuardedComputeLogManager) -> None:
    """Behind its end there is nothing, and the cursor stays."""
    assert manager.get_log_data(KEY).stdout == b"hello"
    data = manager.get_log_data(KEY, "1:0", max_bytes=3)
    assert (data.stdout, data.stderr, data.cursor) == (b"ell", None, "4:0")
    data = manager.get_log_data(KEY, "9:9")
    assert (data.stdout, data.stderr, data.cursor) == (b"", None, "9:9")


@pytest.mark.parametrize("most", [None, 0, -1, 10**12])
def test_one_answer_holds_so_much_and_no_more(manager: GuardedComputeLogManager, tmp_path: Path, most: int | None) -> None:
    """Whatever was asked for."""
    with (tmp_path / "run/compute_logs/step.out").open("r+b") as file:
        file.truncate(5 * 2**30)
    data, offset = manager.get_log_data_for_type(KEY, ComputeIOType.STDOUT, 0, most)
    assert (len(data or b""), offset) == (MAX_READ_BYTES, MAX_READ_BYTES)
    assert manager.tail(KEY) == f"{5 * 2**30 - TAIL_BYTES}:0"


def test_bytes_that_are_no_text_become_text(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """Dagster takes the logs of ticks for strict UTF-8; the cursor counts the file's own bytes."""
    (tmp_path / "run/compute_logs/step.out").write_bytes(b"caf\xe9")
    assert manager.get_log_data_for_type(KEY, ComputeIOType.STDOUT) == ("caf\N{REPLACEMENT CHARACTER}".encode(), 4)


def test_a_character_across_two_pieces_stays_one(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """The first piece leaves it to the second."""
    (tmp_path / "split.out").write_bytes("xé".encode())
    first = manager.get_log_data_for_type(["split"], ComputeIOType.STDOUT, 0, 2)
    assert first == (b"x", 1)
    assert manager.get_log_data_for_type(["split"], ComputeIOType.STDOUT, 1, 2) == ("é".encode(), 3)


@pytest.mark.parametrize("key", [KEY, ["a/b", "c"], ["run", "x" * 300], ["run", "é" * 300]])
def test_a_log_is_where_dagster_writes_it(manager: GuardedComputeLogManager, tmp_path: Path, key: list[str]) -> None:
    """Under a name that is too long, too."""
    there = LocalComputeLogManager(str(tmp_path)).get_captured_local_path(key, "err")
    assert manager.get_captured_local_path(key, "err") == there


@pytest.mark.parametrize("key", [["..", "x"], ["/etc", "passwd"], ["run", "../../x"], ["run", "a\0"]])
def test_a_key_that_leads_elsewhere_is_refused(manager: GuardedComputeLogManager, key: list[str]) -> None:
    """The message is Dagster's, or Python's."""
    with pytest.raises(ValueError, match=r"Invalid path|embedded null byte"):
        manager.open_log(key, "out")


def test_the_keys_in_a_folder_are_those_of_its_files(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """A link to a file is none, and a link to a folder has none."""
    folder = tmp_path / "run/compute_logs"
    (folder / "link.out").symlink_to(folder / "step.out")
    (folder / "other.err").touch()
    (tmp_path / "elsewhere").symlink_to(folder)
    assert manager.get_log_keys_for_log_key_prefix(["run", "compute_logs"], ComputeIOType.STDOUT) == [KEY]
    with pytest.raises(NotADirectoryError):
        manager.get_log_keys_for_log_key_prefix(["elsewhere"], ComputeIOType.STDOUT)


def test_a_log_is_complete_where_the_file_says_so(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """A link to one does not."""
    mark = tmp_path / "run/compute_logs/step.complete"
    mark.symlink_to("step.out")
    assert not manager.is_capture_complete(KEY)
    mark.unlink()
    mark.touch()
    assert manager.is_capture_complete(KEY)
