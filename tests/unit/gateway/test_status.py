"""The gateway tells Prometheus of its verdicts and of restarts, through a file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.test_utils import TestClient, TestServer

from dagster_api.waiting import seen, wait_for
from launch_gateway import status
from launch_gateway.relay import GATEWAY, build_app
from launch_gateway.status import kept, services
from tests.unit.gateway.conftest import OURS, THEIRS, Setup, gateway_before_engine, launch, policy

if TYPE_CHECKING:
    import pytest

SERVICE = "com.docker.compose.service"


def inspected(restarts: int, health: str | None, *, runs: bool = True) -> dict[str, Any]:
    """Returns what the engine says of a container."""
    state = {"Running": runs, **({"Health": {"Status": health}} if health else {})}
    return {"RestartCount": restarts, "State": state}


async def until_written(file: Path, **wanted: Any) -> dict[str, Any]:
    """Waits until the file has these values; returns its content."""

    def written() -> dict[str, Any] | None:
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return seen(found if found.items() >= wanted.items() else None, found)

    return await asyncio.to_thread(wait_for, "the file", written, seconds=5)


async def test_each_verdict_is_counted_by_its_call(gateway: Setup) -> None:
    """An attack and an engine that is away look different."""
    client = gateway.client
    await client.get("/_ping")
    await client.get("/info")
    await client.post("/containers/create", json=launch({"Privileged": True}))
    await client.post("/containers/create", data=b"x" * 300_000)
    await client.post(f"/containers/{THEIRS}/start")
    await client.get(f"/containers/{'e' * 64}/json")
    for _ in range(3):
        await client.post(f"/containers/{OURS}/start")
    assert client.app
    assert client.app[GATEWAY].verdicts == {
        ("ping", "passed"): 1,
        ("other", "refused"): 1,
        ("create", "refused"): 2,
        ("start", "refused"): 1,
        ("inspect", "no_container"): 1,
        ("start", "passed"): 2,
        ("start", "no_room"): 1,
    }


async def test_engine_that_is_away_is_a_verdict_of_its_own(tmp_path: Path) -> None:
    """The gateway itself is well then."""
    app = build_app(policy(tmp_path), str(tmp_path / "none.sock"))
    async with TestClient(TestServer(app)) as client:
        await client.get("/_ping")
        assert app[GATEWAY].verdicts == {("ping", "engine_away"): 1}


async def test_services_are_those_with_a_health_check() -> None:
    """One-shot services end. A container may end between the list and its inspection."""
    answers = {
        "a": inspected(2, "healthy"),
        "b": inspected(0, "healthy", runs=False),
        "c": inspected(0, None),
        "d": {"message": "No such container: d"},
    }

    async def ask(path: str) -> Any:
        if path == status.listing("p"):
            return [{"Id": name, "Labels": {SERVICE: f"service_{name}"}} for name in answers]
        return answers[path.split("/")[2]]

    assert await services(ask, "p") == {
        "service_a": {"restarts": 2, "is_healthy": True},
        "service_b": {"restarts": 0, "is_healthy": False},
    }


async def test_file_keeps_the_last_facts_while_the_engine_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap would look like a deployment without services. Verdicts are written all the same."""
    monkeypatch.setattr(status, "EVERY_SECONDS", 0)
    is_away = False

    async def ask(path: str) -> Any:
        if is_away:
            raise aiohttp.ClientError("it is away")
        return [{"Id": "a", "Labels": {SERVICE: "daemon"}}] if path.endswith(status.listing("p")) else inspected(1, "healthy")

    file, verdicts = tmp_path / "status.json", status.Counter()
    facts = {"daemon": {"restarts": 1, "is_healthy": True}}
    async with kept(file, ask, "p", verdicts):
        await until_written(file, services=facts, requests=[])
        is_away = True
        verdicts["ping", "engine_away"] += 1
        await until_written(file, services=facts, requests=[["ping", "engine_away", 1]])


async def test_gateway_keeps_a_file_only_where_it_is_told_to(tmp_path: Path) -> None:
    """Without MONITORING=1 nobody reads it, and the engine is not asked."""
    file = tmp_path / "status.json"
    async with gateway_before_engine(tmp_path) as without:
        await without.client.get("/_ping")
        assert [path for _, path, _ in without.engine.received] == ["/v1.44/_ping"]
    (tmp_path / "docker.sock").unlink()
    async with gateway_before_engine(tmp_path, file) as told:
        assert await until_written(file, requests=[], services={})
        assert [path for _, path, _ in told.engine.received] == [f"/v1.44{status.listing('p')}"]
