"""The login: who is who, and who guesses."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from login import users
from login.server import build_app, credentials
from login.users import Passwords, User, UserError, make_user, read_users, remove_user, write_user

HERE = "10.0.0.1"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bcrypt's least: the strength is not what is tested."""
    monkeypatch.setattr(users, "ROUNDS", 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    write_user(path, make_user("anna", "operator", PASSWORD))
    write_user(path, make_user("viktor", "viewer", PASSWORD + "2"))
    return path


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
async def login(file: Path) -> Any:
    async with TestClient(TestServer(build_app(file))) as client:
        yield client


def test_a_user_is_one_line_and_the_password_is_not_in_it(file: Path) -> None:
    """Only their owner reads the file."""
    assert [line.rsplit(":", 1)[0] for line in file.read_text().splitlines()] == ["anna:operator", "viktor:viewer"]
    assert all(line.split(":")[2].startswith("$2b$04$") for line in file.read_text().splitlines())
    assert PASSWORD not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_user_made_again_has_the_new_role_and_password_only(file: Path) -> None:
    """There is one line for each name."""
    write_user(file, make_user("anna", "viewer", "another password"))
    assert list(read_users(file)) == ["anna", "viktor"]
    passwords = Passwords(file)
    assert passwords.user("anna", PASSWORD, HERE) is None
    found = passwords.user("anna", "another password", HERE)
    assert found
    assert found.role == "viewer"


@pytest.mark.parametrize(
    ("name", "role", "password", "said"),
    [
        ("Anna", "viewer", PASSWORD, "the name 'Anna' is not allowed"),
        ("", "viewer", PASSWORD, "the name '' is not allowed"),
        ("a:operator", "viewer", PASSWORD, "the name 'a:operator' is not allowed"),
        ("a\nb", "viewer", PASSWORD, "is not allowed: small letters"),
        ("anna", "admin", PASSWORD, "the role 'admin' is not allowed: it must be viewer or operator"),
        ("anna", "viewer", "eleven char", "a password has at least 12 characters and at most 72 bytes"),
        ("anna", "viewer", "é" * 37, "a password has at least 12 characters and at most 72 bytes"),
    ],
)
def test_what_cannot_be_a_user_is_refused(name: str, role: str, password: str, said: str) -> None:
    """With a sentence; a line that could be read as another user cannot come about."""
    with pytest.raises(UserError, match=said):
        make_user(name, role, password)


@pytest.mark.parametrize("line", ["anna", "anna:king:$2b$", "anna:viewer:x:y"])
def test_a_file_with_another_line_is_an_error_by_its_number(tmp_path: Path, line: str) -> None:
    """Nobody is let in by guesswork."""
    path = tmp_path / "users"
    path.write_text(f"{User('b', 'viewer', 'x').line}\n{line}\n")
    with pytest.raises(UserError, match=r"line 2 of .* is not of the form name:role:hash"):
        read_users(path)


def test_a_proved_password_is_not_hashed_again_until_the_file_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of the UI is a hundred requests, and a hash takes 0.2 s."""
    checked = []
    check = users.bcrypt.checkpw
    monkeypatch.setattr(users.bcrypt, "checkpw", lambda *given: checked.append(given) or check(*given))
    passwords = Passwords(file)
    assert passwords.known("anna", PASSWORD, HERE) is None
    assert passwords.user("anna", PASSWORD, HERE)
    assert passwords.known("anna", PASSWORD, HERE)
    assert passwords.known("anna", PASSWORD + "x", HERE) is None
    assert passwords.known("viktor", PASSWORD, HERE) is None
    assert passwords.known("anna", PASSWORD, "10.0.0.2") is None
    assert len(checked) == 1
    write_user(file, make_user("anna", "operator", "another password"))
    assert passwords.known("anna", PASSWORD, HERE) is None


def test_a_name_that_is_not_there_costs_as_much_as_one_that_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time must not say who exists."""
    checked = []
    monkeypatch.setattr(users.bcrypt, "checkpw", lambda *given: checked.append(given) or False)
    passwords = Passwords(file)
    assert passwords.user("nobody", PASSWORD, HERE) is None
    assert passwords.user("anna", "wrong", HERE) is None
    assert [len(hash_) for _, hash_ in checked] == [60, 60]


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Basic", "Basic !!", "Basic é", "Basic /w==", "Basic " + base64.b64encode(b"anna").decode()]
)
def test_a_header_that_holds_no_password_is_none(header: str) -> None:
    """Whatever it holds instead."""
    assert credentials(header) is None


async def test_who_logs_in_has_a_role(login: TestClient) -> None:
    """The edge copies both headers."""
    for name, password, role in (("anna", PASSWORD, "operator"), ("viktor", PASSWORD + "2", "viewer")):
        answer = await login.get("/check", headers=basic(name, password))
        assert (answer.status, answer.headers["Dagster-User"], answer.headers["Dagster-Role"]) == (200, name, role)


async def test_who_does_not_is_asked_to(login: TestClient) -> None:
    """Without a role."""
    for headers in ({}, basic("anna", "wrong"), basic("nobody", PASSWORD), basic("anna", PASSWORD + "\0")):
        answer = await login.get("/check", headers=headers)
        assert (answer.status, "Dagster-Role" in answer.headers) == (401, False)
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Dagster", charset="UTF-8"'


async def test_who_guesses_is_kept_waiting_and_others_are_not(login: TestClient) -> None:
    """Ten tries a minute from an address, the last that the edge has added; even the right password waits then."""
    there, elsewhere = {"X-Forwarded-For": "10.9.9.9, 10.0.0.1"}, {"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}
    statuses = [(await login.get("/check", headers={**basic("anna", str(n)), **there})).status for n in range(11)]
    assert statuses == [401] * 10 + [429]
    waits = await login.get("/check", headers={**basic("anna", PASSWORD), **there})
    assert (waits.status, waits.headers["Retry-After"]) == (429, "60")
    assert (await login.get("/check", headers={**basic("anna", PASSWORD), **elsewhere})).status == 200


async def test_who_guesses_one_name_from_everywhere_is_kept_waiting(login: TestClient) -> None:
    """Twenty tries a minute; other names go on."""
    for number in range(20):
        headers = {**basic("anna", str(number)), "X-Forwarded-For": f"10.0.0.{number}"}
        assert (await login.get("/check", headers=headers)).status == 401
    assert (await login.get("/check", headers={**basic("anna", PASSWORD), "X-Forwarded-For": "10.0.1.1"})).status == 429
    assert (await login.get("/check", headers={**basic("viktor", PASSWORD + "2"), "X-Forwarded-For": "10.0.1.1"})).status == 200


def from_address(name: str, password: str, address: str) -> dict[str, str]:
    return {**basic(name, password), "X-Forwarded-For": address}


async def test_who_is_in_already_is_not_locked_out_by_others(login: TestClient) -> None:
    """Guesses from elsewhere, or at another name from the same address, must not lock out a user."""
    headers = from_address("anna", PASSWORD, HERE)
    assert (await login.get("/check", headers=headers)).status == 200
    for number in range(21):
        await login.get("/check", headers=from_address("anna", str(number), f"10.0.0.{number + 2}"))
        await login.get("/check", headers=from_address("viktor", str(number), HERE))
    assert (await login.get("/check", headers=headers)).status == 200


@pytest.mark.parametrize("address", [HERE, "10.0.0.2"])
async def test_the_right_guess_is_none_because_somebody_is_in(login: TestClient, address: str) -> None:
    """Each guess counts, although the password that was proved is in memory, and comparing with it costs nothing."""
    assert (await login.get("/check", headers=from_address("anna", PASSWORD, HERE))).status == 200
    wrong = [(await login.get("/check", headers=from_address("anna", str(n), address))).status for n in range(11)]
    assert wrong == [401] * 10 + [429]
    assert (await login.get("/check", headers=from_address("anna", PASSWORD, address))).status == 429


async def test_guesses_count_while_no_password_is_tried_at_all(login: TestClient) -> None:
    """Because of wrong ones for another name: what is compared with whoever is in counts too."""
    assert (await login.get("/check", headers=from_address("anna", PASSWORD, HERE))).status == 200
    for number in range(11):
        await login.get("/check", headers=from_address("zzz", str(number), HERE))
    guesses = [*map(str, range(10)), PASSWORD]
    assert {(await login.get("/check", headers=from_address("anna", guess, HERE))).status for guess in guesses} == {429}


async def test_guesses_sent_together_while_somebody_is_in_are_counted_too(login: TestClient) -> None:
    """The right one among them comes too late."""
    assert (await login.get("/check", headers=basic("anna", PASSWORD))).status == 200
    guesses = [*map(str, range(20)), PASSWORD]
    answers = await asyncio.gather(*(login.get("/check", headers=basic("anna", guess)) for guess in guesses))
    assert sorted(answer.status for answer in answers) == [401] * 10 + [429] * 11


async def test_guesses_sent_together_are_counted_one_by_one(login: TestClient) -> None:
    """The limit holds against a burst."""
    guesses = (login.get("/check", headers=basic("anna", str(number))) for number in range(40))
    statuses = [answer.status for answer in await asyncio.gather(*guesses)]
    assert (statuses.count(401), statuses.count(429)) == (10, 30)


def test_a_password_that_is_proved_while_the_file_changes_is_not_remembered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was the old one's."""
    passwords = Passwords(file)
    check = users.bcrypt.checkpw

    def slow(*given: bytes) -> bool:
        write_user(file, make_user("anna", "operator", "another password"))
        assert passwords.known("viktor", "x", HERE) is None
        return check(*given)

    monkeypatch.setattr(users.bcrypt, "checkpw", slow)
    assert passwords.user("anna", PASSWORD, HERE)
    assert passwords.known("anna", PASSWORD, HERE) is None


def test_a_user_can_be_removed(file: Path) -> None:
    """And only one who is there."""
    remove_user(file, "anna")
    assert list(read_users(file)) == ["viktor"]
    with pytest.raises(UserError, match="there is no user 'anna'"):
        remove_user(file, "anna")


async def test_a_file_that_cannot_be_used_lets_nobody_in(login: TestClient, file: Path) -> None:
    """The log says which line."""
    file.write_text("anna\n")  # noqa: ASYNC240 - a test
    assert (await login.get("/check", headers=basic("anna", PASSWORD))).status == 503


async def test_without_a_file_nobody_is_let_in(tmp_path: Path) -> None:
    """The state after the first start."""
    async with TestClient(TestServer(build_app(tmp_path / "none"))) as client:
        assert (await client.get("/check", headers=basic("anna", PASSWORD))).status == 401
