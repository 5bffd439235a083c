"""What the images add to the packages: run environment, passwords, the source system, the gateway's policy."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from io import BytesIO
from pathlib import Path
from typing import Any

import generate_secrets
import pytest
import serve
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from launch_gateway.policy import allowed
from launch_gateway.relay import build_app as build_gateway
from user_code.users.fetch import parse_users
from user_code.users.schema import validate_users
from user_code.users.transform import transform_users
from users_api.behaviour import State, users_payload
from users_api.server import build_app as build_users_api

# ── serve.py ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_sees_what_its_code_server_sees_but_for_its_own() -> None:
    """Networks and limits come from Compose; who is told of failures is not for a run to know."""
    environ = {
        "RUN_CONTAINER": '{"networks": ["p_runs"], "container_kwargs": {"mem_limit": "1g"}}',
        "USERS_API_URL": "http://x",
        "DAGSTER_POSTGRES_USER": "dagster",
        "ALERT_URLS_FILE": "/run/alert_urls",
        "HOSTNAME": "abc",
        "DAGSTER_CURRENT_IMAGE": "image",
    }
    assert serve.container_context(environ) == {
        "docker": {
            "networks": ["p_runs"],
            "container_kwargs": {"mem_limit": "1g"},
            "env_vars": ["DAGSTER_POSTGRES_USER=dagster", "USERS_API_URL=http://x"],
        }
    }


@pytest.mark.parametrize("environ", [{}, {"RUN_CONTAINER": ""}, {"RUN_CONTAINER": "[1]"}, {"RUN_CONTAINER": "{"}])
def test_a_run_container_that_is_no_object_stops_the_server_with_a_sentence(environ: dict[str, str]) -> None:
    """The code server must not start with runs that cannot."""
    with pytest.raises(SystemExit, match="RUN_CONTAINER must be a JSON object"):
        serve.container_context(environ)


@pytest.mark.parametrize("limit", ["lots", "0", "-1g", "1 g", "1t"])
def test_a_memory_limit_that_is_none_stops_the_server_by_the_name_of_its_setting(limit: str) -> None:
    """Otherwise every run would fail at its start, and nothing before."""
    container = json.dumps({"container_kwargs": {"mem_limit": limit}})
    with pytest.raises(SystemExit, match=f"RUN_MEMORY is set to '{limit}', which is not allowed: it must be a size"):
        serve.container_context({"RUN_CONTAINER": container})


def test_a_bad_setting_stops_the_server_with_a_sentence() -> None:
    """It ends with exit status 1 and the sentence alone."""
    with pytest.raises(SystemExit, match=r"^USERS_FRESHNESS_SECONDS is set to '5', which is not allowed") as caught:
        serve.check_settings("user_code.definitions", {"USERS_FRESHNESS_SECONDS": "5"})
    assert caught.value.code == str(caught.value)


def test_a_code_location_without_settings_has_nothing_to_check() -> None:
    """The deployment does not know the demo: here a package of the standard library stands for the user's own."""
    serve.check_settings("json.definitions", {"USERS_FRESHNESS_SECONDS": "5"})


# ── generate_secrets.py ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate_secrets, "FOLDER", tmp_path)
    monkeypatch.setattr(generate_secrets.os, "fchown", lambda *_: None)
    for reader in ("postgres", "pool", "instance", "code"):
        (tmp_path / reader).mkdir()
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_every_reader_gets_what_it_needs_in_files_that_only_it_can_read(folder: Path) -> None:
    """The webserver and the daemon do not hold the key to the warehouse."""
    generate_secrets.main()
    files = texts(folder)
    assert {line.split(":")[3] for line in files["instance/pgpass"].splitlines()} == {"dagster"}
    assert {line.split(":")[3] for line in files["code/pgpass"].splitlines()} == {"dagster", "warehouse"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_passwords_are_kept_from_one_start_to_the_next(folder: Path) -> None:
    """New ones would lock everybody out of the database that is there."""
    generate_secrets.main()
    before = texts(folder)
    generate_secrets.main()
    assert texts(folder) == before


def test_two_deployments_share_no_password(folder: Path) -> None:
    """There is no default."""
    generate_secrets.main()
    first = texts(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    generate_secrets.main()
    assert not set(first.values()) & set(texts(folder).values())


def test_a_scram_secret_proves_the_password() -> None:
    """The server's check of RFC 5802: the stored key is the hash of a client key made from the password."""
    secret = generate_secrets.scram_secret("pencil", b"0123456789abcdef")
    mechanism, parameters, keys = secret.split("$")
    rounds, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert (mechanism, int(rounds)) == ("SCRAM-SHA-256", 64)
    assert base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client_key).digest()
    assert base64.b64decode(keys.split(":")[1]) == hmac.digest(salted, b"Server Key", "sha256")


# ── users_api ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def api() -> Any:
    async with TestClient(TestServer(build_users_api(rows=3))) as client:
        yield client


async def test_users_are_complete_and_the_same_each_time(api: TestClient) -> None:
    """What the fetch accepts and the transform validates."""
    first, second = await (await api.get("/users")).read(), await (await api.get("/users")).read()
    assert first == second
    users = parse_users(first, "api")
    assert [user["id"] for user in users] == [1, 2, 3]
    validate_users(transform_users(users))


def test_a_hundred_thousand_users_are_valid() -> None:
    """As many as the largest demo asks for."""
    frame = validate_users(transform_users(parse_users(users_payload(State(rows=100_000)), "api")))
    assert len(frame) == 100_000


async def test_an_unchanged_payload_is_not_sent_twice(api: TestClient) -> None:
    """`If-None-Match` with the entity tag; new data has another."""
    response = await api.get("/users")
    tag = response.headers["ETag"]
    assert "Last-Modified" in response.headers
    assert (await api.get("/users", headers={"If-None-Match": tag})).status == 304
    await api.put("/control", json={"publish": True})
    assert (await api.get("/users", headers={"If-None-Match": tag})).status == 200


async def test_posts_belong_to_one_user(api: TestClient) -> None:
    """Ten a user, numbered throughout; none for a user who does not exist; a sentence for what is no number."""
    posts = await (await api.get("/posts?userId=2")).json()
    assert [(post["userId"], post["id"]) for post in posts] == [(2, number) for number in range(11, 21)]
    assert await (await api.get("/posts?userId=9")).json() == []
    refused = await api.get("/posts?userId=x")
    assert (refused.status, (await refused.json())["error"]) == (400, "userId must be a whole number: /posts?userId=1")


@pytest.mark.parametrize(("behaviour", "status"), [("fail", 500), ("malformed", 200), ("incomplete", 200)])
async def test_it_misbehaves_as_told_and_recovers(api: TestClient, behaviour: str, status: int) -> None:
    """Staleness and recovery can be shown at will."""
    good = await (await api.get("/users")).read()
    told = await api.put("/control", json={"behaviour": behaviour})
    assert await told.json() == {"behaviour": behaviour, "rows": 3, "edition": 0}
    response = await api.get("/users")
    assert response.status == status
    assert await response.read() != good
    await api.put("/control", json={"behaviour": "ok"})
    assert await (await api.get("/users")).read() == good


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "[] is not understood: send an object"),
        (b"{}", "{} is not understood: send an object"),
        (b'{"behaviour": "sing"}', 'behaviour "sing" is not known: send an object'),
        (b'{"rows": -1}', "rows -1 is not allowed"),
        (b'{"rows": true}', "rows true is not allowed"),
        (b'{"publish": false}', "publish false is not allowed"),
        (b'{"speed": 1}', "is not understood"),
    ],
)
async def test_a_control_request_that_is_not_understood_is_one_sentence(api: TestClient, body: bytes, said: str) -> None:
    """And changes nothing."""
    refused = await api.put("/control", data=body, headers={"Content-Type": "application/json"})
    assert refused.status == 400
    assert said in (await refused.json())["error"]
    assert await (await api.get("/control")).json() == {"behaviour": "ok", "rows": 3, "edition": 0}


# ── launch_gateway ────────────────────────────────────────────────────────────────────────────────────────────────────

ID = "4f1c2d"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", "/version"),
        ("GET", "/v1.51/version"),
        ("POST", "/v1.51/containers/create?name=x"),
        ("GET", f"/v1.51/containers/{ID}/json"),
        ("POST", f"/v1.51/containers/{ID}/start"),
        ("POST", f"/v1.51/containers/{ID}/stop?t=20"),
    ],
)
def test_what_a_run_needs_may_pass(method: str, path: str) -> None:
    """The calls of DockerRunLauncher."""
    assert allowed(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"/v1.51/containers/{ID}"),
        ("POST", f"/v1.51/containers/{ID}/exec"),
        ("POST", f"/v1.51/containers/{ID}/kill"),
        ("GET", f"/v1.51/containers/{ID}/archive?path=/"),
        ("GET", "/v1.51/containers/json"),
        ("POST", "/v1.51/images/create?fromImage=x"),
        ("POST", "/v1.51/build"),
        ("GET", "/v1.51/info"),
        ("POST", "/containers/../images/create"),
        ("POST", "/v1.51/containers/../containers/create"),
        ("POST", "//containers/create"),
        ("POST", "/v1.51//containers/create"),
        ("POST", "/v1.51/containers%2Fcreate"),
        ("POST", f"/v1.51/containers/{ID}%2F..%2Fx/start"),
        ("POST", "/v9/containers/create"),
        ("GET", "/containers/create"),
        ("post", "/containers/create"),
        ("POST", "/containers/create\n"),
        ("GET", "/containers//json"),
    ],
)
def test_everything_else_is_refused(method: str, path: str) -> None:
    """Deny by default, judged as it was sent."""
    assert not allowed(method, path)


@pytest.fixture
async def gateway(tmp_path: Path) -> Any:
    """The gateway before a recording engine: what the engine receives is what got through."""
    received: list[tuple[str, str, bytes]] = []

    async def record(request: web.Request) -> web.Response:
        received.append((request.method, request.raw_path, await request.read()))
        return web.json_response({"Id": ID}, status=201, headers={"Api-Version": "1.51"})

    engine = web.Application()
    engine.router.add_route("*", "/{path:.*}", record)
    runner = web.AppRunner(engine)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "docker.sock")).start()
    async with TestClient(TestServer(build_gateway(str(tmp_path / "docker.sock")))) as client:
        yield client, received
    await runner.cleanup()


async def test_an_allowed_call_reaches_the_engine_and_its_answer_comes_back(gateway: Any) -> None:
    """Path, query and body as they were sent; status, body and version as the engine gave them."""
    client, received = gateway
    answer = await client.post(URL("/v1.51/containers/create?name=a%2Fb", encoded=True), json={"Image": "x"})
    assert (answer.status, await answer.json(), answer.headers["Api-Version"]) == (201, {"Id": ID}, "1.51")
    method, path, body = received[0]
    assert (method, path, json.loads(body)) == ("POST", "/v1.51/containers/create?name=a%2Fb", {"Image": "x"})


async def test_a_refused_call_never_reaches_the_engine(gateway: Any) -> None:
    """403 and one sentence, where docker clients look for it."""
    client, received = gateway
    answer = await client.delete(f"/v1.51/containers/{ID}")
    said = "launch_gateway refuses DELETE /v1.51/containers/4f1c2d: a run needs create, start, inspect and stop."
    assert (answer.status, await answer.json()) == (403, {"message": said})
    assert received == []


async def test_a_body_over_the_limit_never_reaches_the_engine(gateway: Any) -> None:
    """A megabyte is a hundred times what a run needs."""
    client, received = gateway
    assert (await client.post("/containers/create", data=BytesIO(b"x" * (1024 * 1024 + 1)))).status == 413
    assert received == []


async def test_an_engine_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """The run's event log shows it."""
    async with TestClient(TestServer(build_gateway(str(tmp_path / "none.sock")))) as client:
        answer = await client.get("/_ping")
        assert answer.status == 502
        assert (await answer.json())["message"].startswith("launch_gateway cannot reach the Docker engine")
