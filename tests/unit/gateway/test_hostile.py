"""Requests that must not reach the engine, each with the answer expected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.gateway.conftest import NOBODYS, Setup, launch
from tests.unit.gateway.hostile import BODIES, BYTES, DOUBTFUL, PATHS, V


def written(line: str, headers: str, body: str) -> bytes:
    """A request as bytes that no client library has put right; headers are separated by a bar."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: x", *filter(None, headers.split("|")), "", body]).encode()


@pytest.mark.parametrize(("method", "path", "said"), PATHS)
async def test_a_call_that_no_run_needs_is_refused(gateway: Setup, method: str, path: str, said: str) -> None:
    """Deny by default, judged as it was sent, and nothing but a question about the container reaches the engine."""
    body = json.dumps(launch()) if method == "POST" and "create" in path else ""
    request_ = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    head, _, answer = (await gateway.raw(request_.encode())).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    message = json.loads(answer)["message"]
    assert message.startswith(f"launch_gateway refuses {method} ")
    assert said in message
    assert gateway.engine.acted == []


@pytest.mark.parametrize(("body", "said"), BODIES, ids=[said for _, said in BODIES])
async def test_a_container_that_a_run_does_not_need_is_refused(gateway: Setup, body: dict[str, Any], said: str) -> None:
    """With the field's name, and before the engine hears of it."""
    answer = await gateway.client.post(f"{V}/containers/create", json=body)
    assert answer.status == 403
    assert said in (await answer.json())["message"]
    assert gateway.engine.received == []


@pytest.mark.parametrize("case", BYTES)
async def test_bytes_that_two_servers_may_read_differently_go_no_further(gateway: Setup, case: tuple[str, ...]) -> None:
    """Smuggling, hijacking, other protocols."""
    line, headers, body, status, said = case
    answer = (await gateway.raw(written(line, headers, body))).decode()
    assert answer.startswith((f"HTTP/1.1 {status}", f"HTTP/1.0 {status}")), answer
    assert said in answer
    assert gateway.engine.acted == []


@pytest.mark.parametrize(("body", "content_type", "said"), DOUBTFUL, ids=range(len(DOUBTFUL)))
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_doubtful_body_is_refused(gateway: Setup, body: bytes, content_type: str, said: str, *, chunked: bool) -> None:
    """In one piece, or in chunks whose sum nobody announced."""

    async def pieces() -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    data = pieces() if chunked else body
    answer = await gateway.client.post("/containers/create", data=data, headers={"Content-Type": content_type})
    assert answer.status == 403
    assert said in (await answer.json())["message"]
    assert gateway.engine.received == []


async def test_a_container_that_does_not_exist_is_not_found(gateway: Setup) -> None:
    """As the engine says it: the launcher asks for the containers of runs that are long gone."""
    answer = await gateway.client.get(f"{V}/containers/{NOBODYS}/json")
    assert (answer.status, await answer.json()) == (404, {"message": f"No such container: {NOBODYS}"})


def test_the_table_is_as_long_as_it_should_be() -> None:
    """Each line is a trick of its own."""
    assert len(PATHS) + len(BODIES) + len(BYTES) + len(DOUBTFUL) >= 160
    assert len({(method, path) for method, path, _ in PATHS}) == len(PATHS)
