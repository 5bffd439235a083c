"""Postgres keeps what steps print, with OUTPUT_STORE=postgres, and the webserver shows it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from dagster._core.storage.compute_log_manager import ComputeIOType

from dagster_api.waiting import seen, wait_for
from dagster_deployment import log_sending
from dagster_deployment.compute_logs import DeploymentComputeLogManager
from dagster_deployment.output_store import PART_BYTES, OutputStore
from dagster_services.webserver.compute_logs import GuardedComputeLogManager
from dagster_services.webserver.stored_logs import open_stored
from tests.integration.outputs import environment, server, store

if TYPE_CHECKING:
    import pytest

__all__ = ["environment", "server"]
KEY = ["run", "compute_logs", "step"]


def children() -> list[str]:
    """Returns the processes that this one has started."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def captured(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> DeploymentComputeLogManager:
    """Returns the manager of a run after it has captured `text`."""
    with monkeypatch.context() as patched:
        patched.setenv("CODE_LOCATION", "shop")
        manager = DeploymentComputeLogManager(base_dir=str(folder / "run"))
    with manager.capture_logs(KEY):
        os.write(1, text.encode())
    return manager


def test_webserver_shows_what_a_step_has_printed_on_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The two share no folder. The run's host keeps no file."""
    with capfd.disabled():
        captured(tmp_path, "hello from a step\n", monkeypatch)
    webserver = GuardedComputeLogManager(base_dir=str(tmp_path / "webserver"))
    (tmp_path / "webserver").mkdir()
    assert webserver.get_log_data(KEY).stdout == b"hello from a step\n"
    assert webserver.get_log_data_for_type(KEY, ComputeIOType.STDOUT, 6, 4) == (b"from", 10)
    assert webserver.get_log_metadata(KEY).stderr_location == "Postgres, database dagster, table outputs.part"
    assert webserver.get_log_metadata(["run", "compute_logs", "none"]).stderr_location.startswith(str(tmp_path))
    assert webserver.is_capture_complete(KEY)
    assert not webserver.is_capture_complete(["run", "compute_logs", "other"])
    assert webserver.get_log_keys_for_log_key_prefix(KEY[:2], ComputeIOType.STDOUT) == [KEY]
    assert [path.name for path in (tmp_path / "run").rglob("*") if path.is_file()] == []


def test_webserver_shows_a_log_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody looks at a step that takes hours. Its process has neither a second thread nor a child afterwards."""
    monkeypatch.setattr(log_sending, "SEND_EVERY_SECONDS", 0.05)
    monkeypatch.setenv("CODE_LOCATION", "shop")
    log = log_sending.Log("grows", tmp_path / "grows")
    sending = log_sending.Sending(store("shop"), [log], "grows completely")

    def stored(expected: bytes) -> bool:
        found = b"".join(store("shop").parts("grows"))
        return seen(found == expected, found)

    before = children()
    with sending.while_it_grows():
        assert len(children()) == len(before) + 1
        assert threading.active_count() == 1
        for text in ("one\n", "one\ntwo\n"):
            log.path.write_text(text)
            wait_for("the log", lambda text=text: stored(text.encode()), seconds=10, every=0.05)
    assert children() == before
    log.path.write_text("one\ntwo\nthree\n")
    assert sending.finish()
    assert b"".join(store("shop").parts("grows")) == b"one\ntwo\nthree\n"
    assert list(store("shop").parts("grows completely")) == [b""]


def test_log_that_is_too_long_ends_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A step that prints without an end must not fill the database."""
    monkeypatch.setattr(log_sending, "MOST_BYTES", 2 * PART_BYTES)
    with capfd.disabled():
        captured(tmp_path, "", monkeypatch)
    log = log_sending.Log("long", tmp_path / "long")
    log.path.write_bytes(b"x" * 5 * PART_BYTES)
    store("shop").append(log.new())
    log.is_sent()
    assert list(log.new()) == []
    assert b"".join(store("shop").parts("long")) == b"x" * 2 * PART_BYTES + log_sending.CUT


def test_log_of_ticks_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster opens the log of a backfill at each look."""
    monkeypatch.setenv("CODE_LOCATION", "shop")
    manager = DeploymentComputeLogManager(base_dir=str(tmp_path))
    for line in ("one\n", "two\n"):
        with manager.open_log_stream(["backfill", "b"], ComputeIOType.STDERR) as stream:
            assert stream
            stream.write(line)
    monkeypatch.delenv("CODE_LOCATION")
    assert GuardedComputeLogManager(base_dir=str(tmp_path)).get_log_data(["backfill", "b"]).stderr == b"one\ntwo\n"


def test_log_stays_on_its_host_if_postgres_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Postgres may not come back for a long time. The step has succeeded all the same."""
    monkeypatch.setattr(log_sending, "LAST_ATTEMPTS", 1)
    log = log_sending.Log("away", tmp_path / "away")
    log.path.write_text("kept")
    away = OutputStore("127.0.0.1", "1", "outputs_shop")
    assert not log_sending.Sending(away, [log]).finish()
    assert capsys.readouterr().err.startswith("what the step has printed stays on its host: connection to server")
    assert log_sending.Sending(store("shop"), [log]).finish()
    assert list(store("shop").parts("away")) == [b"kept"]


def test_output_of_a_killed_run_is_sent_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last lines say why. The worker sends them when it reports the end of the run."""
    monkeypatch.setenv("CODE_LOCATION", "shop")
    manager = DeploymentComputeLogManager(base_dir=str(tmp_path))
    killed = ["killed", "compute_logs", "step"]
    for extension, text in (("out", "before"), ("err", "Killed")):
        path = Path(manager.get_captured_local_path(killed, extension))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    manager.send_left("killed")
    monkeypatch.delenv("CODE_LOCATION")
    webserver = GuardedComputeLogManager(base_dir=str(tmp_path))
    assert (webserver.get_log_data(killed).stdout, webserver.get_log_data(killed).stderr) == (b"before", b"Killed")
    assert webserver.is_capture_complete(killed)
    assert list((tmp_path / "unsent").iterdir()) == []


def test_webserver_reads_a_long_log_of_many_parts_at_once() -> None:
    """A step that prints each second for a day has 43,000 parts."""
    parts = [("log\nmany\nout", 10 * number, b"%09d\n" % number) for number in range(2_000)]
    # A process that was killed has sent some twice.
    store("shop").append([*parts, ("log\nmany\nout", 55, b"0005\n000000006\n")])
    file = open_stored(store(None), "log\nmany\nout")
    assert file
    with file:
        file.seek(5)
        assert file.read() == b"".join(data for _, _, data in parts)[5:]
