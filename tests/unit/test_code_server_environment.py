"""The code server finds its address, and reads the project's `.env`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_code_server.address import own_address
from dagster_code_server.environment import add_project_env


def test_project_env_adds_variables_as_dg_dev_reads_them(tmp_path: Path) -> None:
    """Values may have quotes, an `export`, or a reference to another variable."""
    (tmp_path / ".env").write_text("# shop\nTOKEN='a b'\nexport URL=http://x/${TOKEN}\nEMPTY=\n")
    environ = {"HOME": "/home/dagster"}
    add_project_env(environ, tmp_path / ".env")
    assert environ == {"HOME": "/home/dagster", "TOKEN": "a b", "URL": "http://x/a b", "EMPTY": ""}


def test_project_env_changes_no_variable_of_the_deployment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A developer's DAGSTER_HOME would make every run fail. The log says which values do not count."""
    (tmp_path / ".env").write_text("DAGSTER_HOME=/home/me\nTOKEN=1\n")
    environ = {"DAGSTER_HOME": "/opt/dagster"}
    add_project_env(environ, tmp_path / ".env")
    assert environ == {"DAGSTER_HOME": "/opt/dagster", "TOKEN": "1"}
    assert capsys.readouterr().err == ".env: the deployment sets DAGSTER_HOME itself\n"


def test_project_env_may_be_missing(tmp_path: Path) -> None:
    """Most projects have none."""
    environ: dict[str, str] = {}
    add_project_env(environ, tmp_path / ".env")
    assert environ == {}


def test_own_address_is_that_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """During a deployment, two containers have the same name. The server can listen only on its own address."""
    answers = [(None, None, None, "", (address, 0)) for address in ("192.0.2.7", "127.0.0.1")]
    monkeypatch.setattr("dagster_code_server.address.socket.getaddrinfo", lambda *_: answers)
    assert own_address("code_server") == "127.0.0.1"
    monkeypatch.setattr("dagster_code_server.address.socket.getaddrinfo", lambda *_: answers[:1])
    with pytest.raises(OSError, match=r"none of 192\.0\.2\.7 is an address of this container"):
        own_address("code_server")
