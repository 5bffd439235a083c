"""The webserver reads the output of runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from dagster_services.webserver.compute_logs import MAX_READ_BYTES, TAIL_BYTES, GuardedComputeLogManager

KEY = ["run", "compute_logs", "step"]


@pytest.fixture
def manager(tmp_path: Path) -> GuardedComputeLogManager:
    """Returns a manager whose folder holds one log."""
    with LocalComputeLogManager(str(tmp_path)).open_log_stream(KEY, ComputeIOType.STDOUT) as stream:
        assert stream
        stream.write("hello")
    return GuardedComputeLogManager(str(tmp_path))


def test_manager_reads_a_log_from_the_cursor(manager: GuardedComputeLogManager) -> None:
    """A reader at the end gets no bytes and the same cursor, so it misses no later line."""
    assert manager.get_log_data(KEY).stdout == b"hello"
    data = manager.get_log_data(KEY, "1:0", max_bytes=3)
    assert (data.stdout, data.stderr, data.cursor) == (b"ell", None, "4:0")
    data = manager.get_log_data(KEY, "9:9")
    assert (data.stdout, data.stderr, data.cursor) == (b"", None, "9:9")


@pytest.mark.parametrize("most", [None, 0, -1, 10**12])
def test_manager_limits_the_size_of_one_answer(manager: GuardedComputeLogManager, tmp_path: Path, most: int | None) -> None:
    """A run can write a huge file, and a client can ask for any size."""
    with (tmp_path / "run/compute_logs/step.out").open("r+b") as file:
        file.truncate(5 * 2**30)
    data, offset = manager.get_log_data_for_type(KEY, ComputeIOType.STDOUT, 0, most)
    assert (len(data or b""), offset) == (MAX_READ_BYTES, MAX_READ_BYTES)
    assert manager.tail(KEY) == f"{5 * 2**30 - TAIL_BYTES}:0"


def test_manager_replaces_bytes_that_are_not_utf_8(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """Dagster decodes the logs of ticks as strict UTF-8. The cursor still counts the bytes of the file."""
    (tmp_path / "run/compute_logs/step.out").write_bytes(b"caf\xe9")
    assert manager.get_log_data_for_type(KEY, ComputeIOType.STDOUT) == ("caf\N{REPLACEMENT CHARACTER}".encode(), 4)


def test_manager_does_not_split_a_character_between_two_answers(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """Otherwise both answers would show a replacement character."""
    (tmp_path / "split.out").write_bytes("xé".encode())
    first = manager.get_log_data_for_type(["split"], ComputeIOType.STDOUT, 0, 2)
    assert first == (b"x", 1)
    assert manager.get_log_data_for_type(["split"], ComputeIOType.STDOUT, 1, 2) == ("é".encode(), 3)


@pytest.mark.parametrize("key", [KEY, ["a/b", "c"], ["run", "x" * 300], ["run", "é" * 300]])
def test_manager_finds_a_log_where_dagster_writes_it(manager: GuardedComputeLogManager, tmp_path: Path, key: list[str]) -> None:
    """Dagster hashes a name that is too long, and the webserver must open the same file."""
    there = LocalComputeLogManager(str(tmp_path)).get_captured_local_path(key, "err")
    assert manager.get_captured_local_path(key, "err") == there


@pytest.mark.parametrize("key", [["..", "x"], ["/etc", "passwd"], ["run", "../../x"], ["run", "a\0"]])
def test_manager_rejects_a_key_that_leads_outside_its_folder(manager: GuardedComputeLogManager, key: list[str]) -> None:
    """A client must not read other files. The message is Dagster's or Python's."""
    with pytest.raises(ValueError, match=r"Invalid path|embedded null byte"):
        manager.open_log(key, "out")


def test_manager_lists_only_regular_files(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """A run could link to a file or a folder outside its own folder."""
    folder = tmp_path / "run/compute_logs"
    (folder / "link.out").symlink_to(folder / "step.out")
    (folder / "other.err").touch()
    (tmp_path / "elsewhere").symlink_to(folder)
    assert manager.get_log_keys_for_log_key_prefix(["run", "compute_logs"], ComputeIOType.STDOUT) == [KEY]
    with pytest.raises(NotADirectoryError):
        manager.get_log_keys_for_log_key_prefix(["elsewhere"], ComputeIOType.STDOUT)


def test_manager_accepts_only_a_regular_file_as_completion_mark(manager: GuardedComputeLogManager, tmp_path: Path) -> None:
    """A run can create links in this folder, so the manager trusts none."""
    mark = tmp_path / "run/compute_logs/step.complete"
    mark.symlink_to("step.out")
    assert not manager.is_capture_complete(KEY)
    mark.unlink()
    mark.touch()
    assert manager.is_capture_complete(KEY)
