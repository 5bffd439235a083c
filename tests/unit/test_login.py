"""The login authenticates users, and limits wrong passwords."""

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
    """Sets bcrypt's minimum of rounds, because these tests do not test the strength of a hash."""
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


def test_user_file_holds_hashes_and_no_password(file: Path) -> None:
    """A copy of the file must not reveal a password. Only the owner may read the file."""
    assert [line.rsplit(":", 1)[0] for line in file.read_text().splitlines()] == ["anna:operator", "viktor:viewer"]
    assert all(line.split(":")[2].startswith("$2b$04$") for line in file.read_text().splitlines())
    assert PASSWORD not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_write_user_replaces_the_old_role_and_password(file: Path) -> None:
    """The old password must stop working, so each name has one line."""
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
def test_make_user_rejects_an_invalid_name_role_or_password(name: str, role: str, password: str, said: str) -> None:
    """A name must not form a line that the login reads as another user."""
    with pytest.raises(UserError, match=said):
        make_user(name, role, password)


@pytest.mark.parametrize("line", ["anna", "anna:king:$2b$", "anna:viewer:x:y"])
def test_read_users_rejects_an_invalid_line_and_names_its_number(tmp_path: Path, line: str) -> None:
    """The login must not guess the meaning of a line."""
    path = tmp_path / "users"
    path.write_text(f"{User('b', 'viewer', 'x').line}\n{line}\n")
    with pytest.raises(UserError, match=r"line 2 of .* is not of the form name:role:hash"):
        read_users(path)


def test_passwords_hash_a_correct_password_once_until_the_file_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of the UI sends a hundred requests, and a hash takes 0.2 s."""
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


def test_passwords_check_a_hash_for_an_unknown_name_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response time must not reveal which users exist."""
    checked = []
    monkeypatch.setattr(users.bcrypt, "checkpw", lambda *given: checked.append(given) or False)
    passwords = Passwords(file)
    assert passwords.user("nobody", PASSWORD, HERE) is None
    assert passwords.user("anna", "wrong", HERE) is None
    assert [len(hash_) for _, hash_ in checked] == [60, 60]


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Basic", "Basic !!", "Basic é", "Basic /w==", "Basic " + base64.b64encode(b"anna").decode()]
)
def test_credentials_return_none_for_a_header_without_a_password(header: str) -> None:
    """A client can send any header, and it must not cause a server error."""
    assert credentials(header) is None


async def test_login_returns_name_and_role_of_an_authenticated_user(login: TestClient) -> None:
    """The edge copies both headers to its request to the webserver."""
    for name, password, role in (("anna", PASSWORD, "operator"), ("viktor", PASSWORD + "2", "viewer")):
        answer = await login.get("/check", headers=basic(name, password))
        assert (answer.status, answer.headers["Dagster-User"], answer.headers["Dagster-Role"]) == (200, name, role)


async def test_login_rejects_wrong_credentials_and_returns_no_role(login: TestClient) -> None:
    """The browser asks for a password because of the challenge. The webserver must get no role."""
    for headers in ({}, basic("anna", "wrong"), basic("nobody", PASSWORD), basic("anna", PASSWORD + "\0")):
        answer = await login.get("/check", headers=headers)
        assert (answer.status, "Dagster-Role" in answer.headers) == (401, False)
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Dagster", charset="UTF-8"'


async def test_login_limits_wrong_passwords_of_one_address(login: TestClient) -> None:
    """Ten wrong passwords a minute block the address, even for the right one. The edge itself adds the last address."""
    there, elsewhere = {"X-Forwarded-For": "10.9.9.9, 10.0.0.1"}, {"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}
    statuses = [(await login.get("/check", headers={**basic("anna", str(n)), **there})).status for n in range(11)]
    assert statuses == [401] * 10 + [429]
    waits = await login.get("/check", headers={**basic("anna", PASSWORD), **there})
    assert (waits.status, waits.headers["Retry-After"]) == (429, "60")
    assert (await login.get("/check", headers={**basic("anna", PASSWORD), **elsewhere})).status == 200


async def test_login_limits_wrong_passwords_for_one_name_from_all_addresses(login: TestClient) -> None:
    """Many addresses together must not guess one password. Other users can still log in."""
    for number in range(20):
        headers = {**basic("anna", str(number)), "X-Forwarded-For": f"10.0.0.{number}"}
        assert (await login.get("/check", headers=headers)).status == 401
    assert (await login.get("/check", headers={**basic("anna", PASSWORD), "X-Forwarded-For": "10.0.1.1"})).status == 429
    assert (await login.get("/check", headers={**basic("viktor", PASSWORD + "2"), "X-Forwarded-For": "10.0.1.1"})).status == 200


def from_address(name: str, password: str, address: str) -> dict[str, str]:
    return {**basic(name, password), "X-Forwarded-For": address}


async def test_login_does_not_block_a_logged_in_user_after_guesses_of_others(login: TestClient) -> None:
    """Wrong passwords from other addresses, or for other names, must not stop this user's work."""
    headers = from_address("anna", PASSWORD, HERE)
    assert (await login.get("/check", headers=headers)).status == 200
    for number in range(21):
        await login.get("/check", headers=from_address("anna", str(number), f"10.0.0.{number + 2}"))
        await login.get("/check", headers=from_address("viktor", str(number), HERE))
    assert (await login.get("/check", headers=headers)).status == 200


@pytest.mark.parametrize("address", [HERE, "10.0.0.2"])
async def test_login_counts_guesses_at_the_name_of_a_logged_in_user(login: TestClient, address: str) -> None:
    """The login compares them with the password in memory. That costs nothing, but must not allow guesses without limit."""
    assert (await login.get("/check", headers=from_address("anna", PASSWORD, HERE))).status == 200
    wrong = [(await login.get("/check", headers=from_address("anna", str(n), address))).status for n in range(11)]
    assert wrong == [401] * 10 + [429]
    assert (await login.get("/check", headers=from_address("anna", PASSWORD, address))).status == 429


async def test_login_counts_guesses_from_a_blocked_address(login: TestClient) -> None:
    """Wrong passwords for another name block the address. The login still compares guesses with a logged-in user's password."""
    assert (await login.get("/check", headers=from_address("anna", PASSWORD, HERE))).status == 200
    for number in range(11):
        await login.get("/check", headers=from_address("zzz", str(number), HERE))
    guesses = [*map(str, range(10)), PASSWORD]
    assert {(await login.get("/check", headers=from_address("anna", guess, HERE))).status for guess in guesses} == {429}


async def test_login_counts_parallel_guesses_at_the_name_of_a_logged_in_user(login: TestClient) -> None:
    """A burst of requests must not try the right password before the limit applies."""
    assert (await login.get("/check", headers=basic("anna", PASSWORD))).status == 200
    guesses = [*map(str, range(20)), PASSWORD]
    answers = await asyncio.gather(*(login.get("/check", headers=basic("anna", guess)) for guess in guesses))
    assert sorted(answer.status for answer in answers) == [401] * 10 + [429] * 11


async def test_login_counts_parallel_guesses(login: TestClient) -> None:
    """The limit must also apply to requests that arrive together."""
    guesses = (login.get("/check", headers=basic("anna", str(number))) for number in range(40))
    statuses = [answer.status for answer in await asyncio.gather(*guesses)]
    assert (statuses.count(401), statuses.count(429)) == (10, 30)


def test_passwords_forget_a_password_if_the_file_changes_during_its_check(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check used the old file, so the old password must not stay in memory."""
    passwords = Passwords(file)
    check = users.bcrypt.checkpw

    def slow(*given: bytes) -> bool:
        write_user(file, make_user("anna", "operator", "another password"))
        assert passwords.known("viktor", "x", HERE) is None
        return check(*given)

    monkeypatch.setattr(users.bcrypt, "checkpw", slow)
    assert passwords.user("anna", PASSWORD, HERE)
    assert passwords.known("anna", PASSWORD, HERE) is None


def test_remove_user_removes_an_existing_user_and_rejects_an_unknown_name(file: Path) -> None:
    """An operator must notice a misspelt name, because its user could still log in."""
    remove_user(file, "anna")
    assert list(read_users(file)) == ["viktor"]
    with pytest.raises(UserError, match="there is no user 'anna'"):
        remove_user(file, "anna")


async def test_login_returns_503_if_the_user_file_is_invalid(login: TestClient, file: Path) -> None:
    """The login must not guess who may log in. Its log names the invalid line."""
    file.write_text("anna\n")  # noqa: ASYNC240 - a test
    assert (await login.get("/check", headers=basic("anna", PASSWORD))).status == 503


async def test_login_rejects_all_users_if_there_is_no_user_file(tmp_path: Path) -> None:
    """A new deployment has no user file."""
    async with TestClient(TestServer(build_app(tmp_path / "none"))) as client:
        assert (await client.get("/check", headers=basic("anna", PASSWORD))).status == 401
