"""Hypothesis generates requests, and the policy passes only those that it lists."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from launch_gateway.policy import RefusedError
from tests.unit.gateway.conftest import gateway_before_engine, launch, policy
from tests.unit.gateway.test_relay import HARDENED

NAMES = st.sampled_from(
    ["Image", "Cmd", "Env", "Entrypoint", "Labels", "HostConfig", "User", "Volumes", "NetworkingConfig", "Privileged", "Binds",
     "Mounts", "NetworkMode", "Memory", "PidsLimit", "CapAdd", "SecurityOpt", "PidMode", "hostconfig", "HOSTCONFIG", "Devices"]
) | st.text(max_size=10)  # fmt: skip
TEXTS = st.sampled_from(
    ["p_runs", "host", "/:/host", "p/user_code:local", "evil", "p_exports:/var/lib/dagster/exports", ""]
) | st.text(max_size=10)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
MAY_PASS = {"Image", "Entrypoint", "Cmd", "Env", "Labels", "HostConfig", "User"}


def changed(host: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    body = launch(host)
    return {**body, **fields}


@pytest.fixture(scope="module")
def create(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Any], list[Any]]]:
    """Yields a function that posts a body to the gateway, and returns the bodies that the engine received."""
    with asyncio.Runner() as loop:
        stack = AsyncExitStack()
        both = loop.run(stack.enter_async_context(gateway_before_engine(tmp_path_factory.mktemp("engine"))))

        async def post(body: Any) -> list[Any]:
            both.engine.received.clear()
            answer = await both.client.post("/v1.44/containers/create", json=body)
            received = [json.loads(body) for *_, body in both.engine.received if body]
            assert answer.status == (201 if received else 403)
            return received

        yield lambda body: loop.run(post(body))
        loop.run(stack.aclose())


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES | st.builds(changed, st.dictionaries(NAMES, VALUES, max_size=3), st.dictionaries(NAMES, VALUES, max_size=2)))
def test_policy_passes_only_hardened_runs_of_this_deployment(create: Callable[[Any], list[Any]], body: Any) -> None:
    """No body may carry a field or a value to the engine that the policy does not list."""
    received = create(body)
    if not received:
        return
    (sent,) = received
    host = sent["HostConfig"]
    assert set(sent) <= MAY_PASS
    assert set(host) <= set(HARDENED)
    assert {name: host[name] for name in set(HARDENED) - {"Binds", "Memory", "MemorySwap", "NanoCpus", "PidsLimit"}} == {
        name: HARDENED[name] for name in set(HARDENED) - {"Binds", "Memory", "MemorySwap", "NanoCpus", "PidsLimit"}
    }
    assert set(host.get("Binds", [])) <= set(HARDENED["Binds"])
    assert all(0 < host[name] <= HARDENED[name] for name in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit"))
    assert sent["Image"].startswith("p/user_code:")
    assert sent["Labels"]["dagster/project"] == "p"
    assert sent["User"] == "10001:10001"


# Paths that are almost those of the policy: a random text almost never passes.
ALMOST = st.tuples(
    st.sampled_from(["", "/v1.44", "/v1.43", "/v1.44/..", "//v1.44"]),
    st.sampled_from(["/_ping", "/containers/create", "/containers/json", "/containers/", "/images/"]),
    st.text("ab1.-_/%2F\n\x00", max_size=8),
    st.sampled_from(["", "/json", "/start", "/wait", "/stop", "/../kill", "?all=1"]),
)
# Paths of a container: with a random text alone, fewer than eleven of a thousand passed in one run.
OF_A_CONTAINER = st.tuples(
    st.sampled_from(["", "/v1.44"]),
    st.just("/containers/"),
    st.text("0123456789abcdef", min_size=12, max_size=64),
    st.sampled_from(["/json", "/start", "/stop?t=1", "/logs?stdout=1"]),
)
PATHS = (ALMOST | OF_A_CONTAINER).map("".join)


def test_policy_passes_only_plain_paths(tmp_path: Path) -> None:
    """A client can send any path. The engine must receive only known paths of the policy's API version."""
    rules, passed = policy(tmp_path), []

    @settings(max_examples=1000, deadline=None)
    @given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), PATHS)
    def check(method: str, path: str) -> None:
        try:
            asked = rules.path(rules.call(method, path))
        except RefusedError:
            return
        passed.append(path)
        assert asked.startswith("/v1.44/")
        segments = asked.split("?")[0].split("/")[1:]
        assert all(re.fullmatch(r"\w[\w.-]*", segment, re.ASCII) for segment in segments), segments

    check()
    assert len(passed) > 10
