"""Verbs of the Makefile wait for each other."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from operate import alone as module
from operate.alone import alone, lock_file
from operate.compose import ROOT, CommandError


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the file with which verbs find each other."""
    file = tmp_path / "lock"
    monkeypatch.setattr(module, "lock_file", lambda: file)
    return file


def test_verb_waits_for_the_end_of_another_one(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup at night must not fail because somebody deploys."""
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ending = threading.Timer(0.5, fcntl.flock, (other, fcntl.LOCK_UN))
        ending.start()
        with alone():
            assert ending.finished.is_set()
    assert capsys.readouterr().err == ("another verb, such as `make up` or `make restore`, is in progress: waiting for its end\n")


def test_verb_is_refused_if_another_one_does_not_end(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait for somebody at another terminal."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="is in progress, and has not ended for 0 s"):
            alone().__enter__()


def test_verbs_of_other_deployments_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second deployment may be started from the same folder, with another project name."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "second")
    assert lock_file() == ROOT / ".releases/lock.second"
    monkeypatch.delenv("COMPOSE_PROJECT_NAME")
    assert lock_file() != ROOT / ".releases/lock.second"


def test_verb_that_is_alone_says_nothing(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It leaves the lock to the next one."""
    for _ in range(2):
        with alone():
            assert lock.exists()
    assert capsys.readouterr().err == ""
