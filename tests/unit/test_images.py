"""The images add these to the packages: the environment of runs, checks of settings, passwords and secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import stat
from pathlib import Path

import pytest

from dagster_code_server import serve
from dagster_deployment.time_limits import NUMBERS, check_time_limits
from dagster_services.secrets import generate, hand_out, keep
from dagster_services.webserver import start

# ── the code server ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_run_gets_the_environment_of_its_code_server_except_private_variables() -> None:
    """User code needs the same variables in both. A run must not know who is told about failures."""
    environ = {
        "USERS_API_URL": "http://x",
        "DAGSTER_POSTGRES_USER": "dagster",
        "ALERT_URLS_FILE": "/run/alert_urls",
        "HOSTNAME": "abc",
        "LISTEN_ON": "code_server",
        "HOME": "/somewhere",
        "PWD": "/elsewhere",
        "SHLVL": "7",
        "odd.name-1": "a=b 'c' \"d\" $e\nf",
        "EMPTY": "",
    }
    assert serve.container_context(environ) == {
        "docker": {
            "env_vars": [
                "DAGSTER_POSTGRES_USER=dagster",
                "EMPTY=",
                "HOME=/somewhere",
                "PWD=/elsewhere",
                "SHLVL=7",
                "USERS_API_URL=http://x",
                "odd.name-1=a=b 'c' \"d\" $e\nf",
            ],
        }
    }


def test_code_server_rejects_an_environment_that_is_too_large_for_runs() -> None:
    """The kernel would end the server with 'Argument list too long', which names no remedy."""
    context = {"docker": {"env_vars": ["A=" + "x" * 131_072]}}
    with pytest.raises(
        SystemExit, match=r"^The environment of the code server is too large to hand on to runs: 131\d{3} bytes, and 114688"
    ):
        serve.serialized(context)


@pytest.mark.parametrize("text", ["", "soon", "-1", "0", "1.5", "2147483648", "\N{SUPERSCRIPT TWO}"])
@pytest.mark.parametrize("name", ["DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "DAGSTER_GRPC_MAX_RX_BYTES"])
def test_service_rejects_a_limit_that_is_not_a_number(name: str, text: str) -> None:
    """Dagster would end with a stack trace. The message names the setting of .env."""
    setting = name.replace("_RX_", "_")
    with pytest.raises(
        SystemExit, match=f"^{setting} is set to '{text}', which is not allowed: it must be a whole number from 1 to"
    ):
        check_time_limits({name: text})


def test_service_accepts_unset_and_valid_limits() -> None:
    """Dagster's own defaults apply where a limit is not set."""
    check_time_limits({})
    check_time_limits(dict.fromkeys(NUMBERS, "70"))


def test_code_server_accepts_a_code_location_without_settings() -> None:
    """A team's own code location may have no settings. A package of the standard library stands for it here."""
    serve.check_settings("json.definitions", {"USERS_FRESHNESS_SECONDS": "5"})


# ── generate.py ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr(hand_out, "FOLDER", tmp_path)
    monkeypatch.setattr(generate, "locations", lambda: ["shop", "user_code"])
    monkeypatch.setattr(generate.os, "fchown", lambda *_: None)
    for reader in ("postgres", "pool", "run_pool", "instance", "maintenance", "monitor", "location"):
        (tmp_path / reader).mkdir()
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_generate_gives_each_service_only_its_own_passwords(folder: Path) -> None:
    """Webserver and daemon must not hold the password of the warehouse. User code must not hold the database owner's."""
    generate.main()
    hand_out.hand_out(folder / "location", folder / "no project", ["dagster_run", "warehouse"], "shop")
    files = texts(folder)
    assert {line.split(":")[3] for line in files["instance/pgpass"].splitlines()} == {"dagster"}
    assert {line.split(":")[3] for line in files["location/pgpass"].splitlines()} == {"dagster_run", "warehouse", "outputs_shop"}
    pools = {pool: {line.split('"')[1] for line in files[f"{pool}/userlist.txt"].splitlines()} for pool in ("pool", "run_pool")}
    assert pools == {
        "pool": {"dagster", "dagster_maintenance", "dagster_monitor"},
        "run_pool": {"dagster_run", "dagster_monitor", "warehouse", "outputs_shop", "outputs_user_code"},
    }
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_generate_keeps_existing_passwords(folder: Path) -> None:
    """New passwords would fail authentication against the existing database."""
    generate.main()
    before = texts(folder)
    generate.main()
    assert texts(folder) == before


def test_generate_makes_different_passwords_for_each_deployment(folder: Path) -> None:
    """A default password would give access to every deployment."""
    generate.main()
    first = texts(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    generate.main()
    assert not set(first.values()) & set(texts(folder).values())


def test_hand_out_gives_the_project_env_and_takes_it_back(folder: Path, tmp_path: Path) -> None:
    """A developer removes a line or the whole file. A run must not see the old value."""
    generate.main()
    project = tmp_path / "project"
    project.mkdir()
    for text in ("TOKEN=1\n", "TOKEN=2\n"):
        (project / ".env").write_text(text)
        hand_out.hand_out(folder / "location", project, ["dagster_run"])
        assert texts(folder)["location/project.env"] == text
    (project / ".env").unlink()
    hand_out.hand_out(folder / "location", project, ["dagster_run"])
    assert "location/project.env" not in texts(folder)


@pytest.mark.parametrize("target", ["postgres/postgres_password", "nowhere"])
def test_hand_out_follows_no_link_of_a_project(folder: Path, tmp_path: Path, target: str) -> None:
    """It runs as root beside every password: a link could hand the superuser's to user code."""
    generate.main()
    project = tmp_path / "project"
    project.mkdir()
    (project / ".env").symlink_to(folder / target)
    with pytest.raises(SystemExit, match=r"^secrets: the project's \.env cannot be read: .*It must be a file, not a link\.$"):
        hand_out.hand_out(folder / "location", project, ["dagster_run"])
    assert "location/project.env" not in texts(folder)


def test_hand_out_says_whether_the_project_env_has_changed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make deploy` then replaces the server, even if the code is the same. The file may have any encoding."""
    generate.main()
    project = tmp_path / "project"
    project.mkdir()
    said = []
    for content in (b"A=\xff", b"A=\xff", b"A=2", None):
        (project / ".env").unlink() if content is None else (project / ".env").write_bytes(content)
        hand_out.hand_out(folder / "location", project, ["dagster_run"])
        said.append(capsys.readouterr().out)
    assert said == ["secrets: its .env has changed\n", "", *["secrets: its .env has changed\n"] * 2]


def test_hand_out_rejects_an_unknown_role(folder: Path) -> None:
    """A typing error in the Compose file must not leave user code without its password."""
    generate.main()
    with pytest.raises(SystemExit, match="secrets: there is no role ware: the roles of user code are dagster_run, warehouse"):
        hand_out.hand_out(folder / "location", folder / "no project", ["dagster_run", "ware"])


def test_keep_stores_replaces_and_removes_a_secret(folder: Path) -> None:
    """User code must read exactly the text that the operator gave."""
    for text in ("first\n", "second"):
        assert keep.keep(folder / "location", "key", text) == "secret: user code reads it as /run/secrets/key"
        assert texts(folder) == {"location/key": text}
    assert keep.keep(folder / "location", "key", "") == "secret: there is no key any more"
    assert texts(folder) == {}


@pytest.mark.parametrize("name", ["pgpass", "", "../pgpass", "a/b", "Key", "key.new", "9", "a" * 65])
def test_keep_rejects_a_name_that_could_overwrite_another_file(folder: Path, name: str) -> None:
    """The passwords of the database must stay, and no file may appear elsewhere."""
    generate.main()
    before = texts(folder)
    with pytest.raises(SystemExit, match=f"secret: the name '{re.escape(name)}' is not allowed: small letters"):
        keep.keep(folder / "location", name, "")
    assert texts(folder) == before


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1"])
def test_webserver_accepts_a_loopback_address(address: str) -> None:
    """Only users of this machine can reach a loopback address."""
    start.check_bind(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3", "", "localhost"])  # noqa: S104 - refused
def test_webserver_rejects_an_address_that_others_can_reach(address: str) -> None:
    """The webserver has no login. The message names the remedy."""
    with pytest.raises(
        SystemExit, match=f"^WEBSERVER_BIND is set to '{address}', which is not allowed: the webserver has no login"
    ):
        start.check_bind(address)


def test_scram_secret_verifies_the_password() -> None:
    """Postgres verifies a password as in RFC 5802: the stored key is the hash of the client key."""
    secret = generate.scram_secret("pencil", b"0123456789abcdef")
    mechanism, parameters, keys = secret.split("$")
    rounds, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert (mechanism, int(rounds)) == ("SCRAM-SHA-256", 64)
    assert base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client_key).digest()
    assert base64.b64decode(keys.split(":")[1]) == hmac.digest(salted, b"Server Key", "sha256")
