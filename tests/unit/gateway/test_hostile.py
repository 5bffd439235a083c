"""The gateway rejects hostile requests, and the engine never receives them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.gateway.conftest import NOBODYS, Setup, launch
from tests.unit.gateway.hostile import BODIES, BYTES, DOUBTFUL, PATHS, V


def raw_request(line: str, headers: str, body: str) -> bytes:
    """Returns a request as bytes, which no client library corrects. Bars separate its headers."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: x", *filter(None, headers.split("|")), "", body]).encode()


@pytest.mark.parametrize(("method", "path", "said"), PATHS)
async def test_gateway_rejects_calls_that_no_run_needs(gateway: Setup, method: str, path: str, said: str) -> None:
    """Another call could give control over the host. The engine may only receive a query about the container."""
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
async def test_gateway_rejects_container_fields_that_no_run_needs(gateway: Setup, body: dict[str, Any], said: str) -> None:
    """Such a field could give a run control over the host. The refusal names the field."""
    answer = await gateway.client.post(f"{V}/containers/create", json=body)
    assert answer.status == 403
    assert said in (await answer.json())["message"]
    assert gateway.engine.received == []


@pytest.mark.parametrize("case", BYTES)
async def test_gateway_rejects_bytes_that_two_servers_read_differently(gateway: Setup, case: tuple[str, ...]) -> None:
    """Request smuggling, hijacking and other protocols could bypass the policy."""
    line, headers, body, status, said = case
    answer = (await gateway.raw(raw_request(line, headers, body))).decode()
    assert answer.startswith((f"HTTP/1.1 {status}", f"HTTP/1.0 {status}")), answer
    assert said in answer
    assert gateway.engine.acted == []


@pytest.mark.parametrize(("body", "content_type", "said"), DOUBTFUL, ids=range(len(DOUBTFUL)))
@pytest.mark.parametrize("chunked", [False, True])
async def test_gateway_rejects_ambiguous_bodies(
    gateway: Setup, body: bytes, content_type: str, said: str, *, chunked: bool
) -> None:
    """The engine could read such a body differently. A chunked body does not announce its length."""

    async def pieces() -> Any:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    data = pieces() if chunked else body
    answer = await gateway.client.post("/containers/create", data=data, headers={"Content-Type": content_type})
    assert answer.status == 403
    assert said in (await answer.json())["message"]
    assert gateway.engine.received == []


async def test_gateway_answers_404_for_a_missing_container(gateway: Setup) -> None:
    """The launcher asks for containers that Docker has removed, and expects the engine's own answer."""
    answer = await gateway.client.get(f"{V}/containers/{NOBODYS}/json")
    assert (answer.status, await answer.json()) == (404, {"message": f"No such container: {NOBODYS}"})


def test_tables_hold_at_least_160_requests() -> None:
    """A lost line would silently remove a test."""
    assert len(PATHS) + len(BODIES) + len(BYTES) + len(DOUBTFUL) >= 160
    assert len({(method, path) for method, path, _ in PATHS}) == len(PATHS)
