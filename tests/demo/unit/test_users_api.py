"""The demo's source system serves users and posts, and fails on request."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from user_code.users.fetch import parse_users
from user_code.users.schema import validate_users
from user_code.users.transform import transform_users
from users_api.behaviour import State, users_payload
from users_api.server import build_app as build_users_api


@pytest.fixture
async def api() -> Any:
    async with TestClient(TestServer(build_users_api(rows=3))) as client:
        yield client


async def test_users_api_returns_the_same_complete_users_each_time(api: TestClient) -> None:
    """The fetch must accept the users, and the transform must validate them."""
    first, second = await (await api.get("/users")).read(), await (await api.get("/users")).read()
    assert first == second
    users = parse_users(first, "api")
    assert [user["id"] for user in users] == [1, 2, 3]
    validate_users(transform_users(users))


def test_users_api_makes_100000_valid_users() -> None:
    """The largest demo needs this number of users."""
    frame = validate_users(transform_users(parse_users(users_payload(State(rows=100_000)), "api")))
    assert len(frame) == 100_000


async def test_users_api_answers_304_for_an_unchanged_payload(api: TestClient) -> None:
    """A client with the entity tag needs no second copy. New data must have another tag."""
    response = await api.get("/users")
    tag = response.headers["ETag"]
    assert "Last-Modified" in response.headers
    assert (await api.get("/users", headers={"If-None-Match": tag})).status == 304
    await api.put("/control", json={"publish": True})
    assert (await api.get("/users", headers={"If-None-Match": tag})).status == 200


async def test_users_api_returns_the_posts_of_one_user(api: TestClient) -> None:
    """Each user has ten posts, and an unknown user has none. An invalid user id must get a sentence."""
    posts = await (await api.get("/posts?userId=2")).json()
    assert [(post["userId"], post["id"]) for post in posts] == [(2, number) for number in range(11, 21)]
    assert await (await api.get("/posts?userId=9")).json() == []
    refused = await api.get("/posts?userId=x")
    assert (refused.status, (await refused.json())["error"]) == (400, "userId must be a whole number: /posts?userId=1")


@pytest.mark.parametrize(("behaviour", "status"), [("fail", 500), ("malformed", 200), ("incomplete", 200)])
async def test_users_api_fails_on_request_and_recovers(api: TestClient, behaviour: str, status: int) -> None:
    """The demo shows stale data and recovery on request."""
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
async def test_users_api_rejects_an_invalid_control_request_with_one_sentence(api: TestClient, body: bytes, said: str) -> None:
    """An invalid request must not change the behaviour."""
    refused = await api.put("/control", data=body, headers={"Content-Type": "application/json"})
    assert refused.status == 400
    assert said in (await refused.json())["error"]
    assert await (await api.get("/control")).json() == {"behaviour": "ok", "rows": 3, "edition": 0}
