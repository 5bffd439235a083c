"""The images add these to the packages: the environment of runs, and passwords."""

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
from dagster_services.secrets import generate, keep
from dagster_services.webserver import start

# ── the code server ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_sees_what_its_code_server_sees_but_for_its_own() -> None:
    """Networks and limits come from Compose; who is told of failures is not for a run to know."""
    environ = {
        "RUN_CONTAINER": '{"networks": ["p_runs"], "container_kwargs": {"mem_limit": "1g"}}',
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
            "networks": ["p_runs"],
            "container_kwargs": {"mem_limit": "1g"},
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


@pytest.mark.parametrize("environ", [{}, {"RUN_CONTAINER": ""}, {"RUN_CONTAINER": "[1]"}, {"RUN_CONTAINER": "{"}])
def test_a_run_container_that_is_no_object_stops_the_server_with_a_sentence(environ: dict[str, str]) -> None:
    """The code server must not start with runs that cannot."""
    with pytest.raises(SystemExit, match="RUN_CONTAINER must be a JSON object"):
        serve.container_context(environ)


def test_an_environment_that_no_variable_can_hold_stops_the_server_with_a_sentence() -> None:
    """The kernel would end the server with 'Argument list too long'."""
    context = {"docker": {"env_vars": ["A=" + "x" * 131_072]}}
    with pytest.raises(
        SystemExit, match=r"^The environment of the code server is too large to hand on to runs: 131\d{3} bytes, and 114688"
    ):
        serve.serialized(context)


@pytest.mark.parametrize("text", ["", "soon", "-1", "0", "1.5", "2147483648", "\N{SUPERSCRIPT TWO}"])
@pytest.mark.parametrize("name", ["DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "DAGSTER_GRPC_MAX_RX_BYTES"])
def test_a_limit_that_is_no_number_stops_a_service_with_a_sentence(name: str, text: str) -> None:
    """Dagster would end with a stack trace. The sentence names the setting of .env."""
    setting = name.replace("_RX_", "_")
    with pytest.raises(
        SystemExit, match=f"^{setting} is set to '{text}', which is not allowed: it must be a whole number from 1 to"
    ):
        check_time_limits({name: text})


def test_limits_that_are_not_set_are_dagsters_own() -> None:
    """And what is allowed passes."""
    check_time_limits({})
    check_time_limits(dict.fromkeys(NUMBERS, "70"))


def test_a_code_location_without_settings_has_nothing_to_check() -> None:
    """The deployment does not know the demo: here a package of the standard library stands for the user's own."""
    serve.check_settings("json.definitions", {"USERS_FRESHNESS_SECONDS": "5"})


# ── generate.py ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr(generate.os, "fchown", lambda *_: None)
    for reader in ("postgres", "pool", "run_pool", "instance", "code"):
        (tmp_path / reader).mkdir()
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_every_reader_gets_what_it_needs_in_files_that_only_it_can_read(folder: Path) -> None:
    """Webserver and daemon do not hold the key to the warehouse, nor user code that of their database's owner."""
    generate.main()
    files = texts(folder)
    assert {line.split(":")[3] for line in files["instance/pgpass"].splitlines()} == {"dagster"}
    assert {line.split(":")[3] for line in files["code/pgpass"].splitlines()} == {"dagster_run", "warehouse"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_passwords_are_kept_from_one_start_to_the_next(folder: Path) -> None:
    """New ones would lock everybody out of the database that is there."""
    generate.main()
    before = texts(folder)
    generate.main()
    assert texts(folder) == before


def test_two_deployments_share_no_password(folder: Path) -> None:
    """There is no default."""
    generate.main()
    first = texts(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    generate.main()
    assert not set(first.values()) & set(texts(folder).values())


def test_a_secret_is_kept_changed_and_removed(folder: Path) -> None:
    """As it came, for its reader only."""
    for text in ("first\n", "second"):
        assert keep.keep(folder / "code", "key", text) == "secret: user code reads it as /run/secrets/key"
        assert texts(folder) == {"code/key": text}
    assert keep.keep(folder / "code", "key", "") == "secret: there is no key any more"
    assert texts(folder) == {}


@pytest.mark.parametrize("name", ["pgpass", "", "../pgpass", "a/b", "Key", "key.new", "9", "a" * 65])
def test_a_name_that_a_secret_cannot_have_is_refused(folder: Path, name: str) -> None:
    """The database's passwords stay, and nothing is written elsewhere."""
    generate.main()
    before = texts(folder)
    with pytest.raises(SystemExit, match=f"secret: the name '{re.escape(name)}' is not allowed: small letters"):
        keep.keep(folder / "code", name, "")
    assert texts(folder) == before


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1"])
def test_the_webserver_is_published_on_loopback(address: str) -> None:
    """Its own machine's users reach it, and nobody else."""
    start.check_bind(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3", "", "localhost"])  # noqa: S104 - refused
def test_the_webserver_does_not_start_where_others_would_reach_it(address: str) -> None:
    """It has no login. The sentence says what to do."""
    with pytest.raises(
        SystemExit, match=f"^WEBSERVER_BIND is set to '{address}', which is not allowed: the webserver has no login"
    ):
        start.check_bind(address)


def test_a_scram_secret_proves_the_password() -> None:
    """The server's check of RFC 5802: the stored key is the hash of a client key made from the password."""
    secret = generate.scram_secret("pencil", b"0123456789abcdef")
    mechanism, parameters, keys = secret.split("$")
    rounds, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert (mechanism, int(rounds)) == ("SCRAM-SHA-256", 64)
    assert base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client_key).digest()
    assert base64.b64decode(keys.split(":")[1]) == hmac.digest(salted, b"Server Key", "sha256")
