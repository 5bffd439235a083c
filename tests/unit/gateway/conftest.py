"""The gateway stands in front of a fake engine, which records each request that passes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from launch_gateway.locations import values_of
from launch_gateway.policy import Policy
from launch_gateway.relay import build_app
from launch_gateway.settings import values

ENVIRONMENT = {
    "PROJECT": "p",
    "RUN_MEMORY": "1g",
    "RUN_TMP": "512m",
    "RUN_SHM": "64m",
    "RUN_CPUS": "1",
    "RUN_PIDS": "256",
    "RUN_CONTAINERS_MAX": "2",
    "RUN_EGRESS": "deny",
}
# The Compose files of code locations, as far as the gateway reads them.
LOCATIONS = {
    "user_code": "x-runs: {volumes: [secrets_code:/run/secrets:ro, exports:/var/lib/dagster/exports]}",
    "shop": "x-runs: {volumes: [shop_secrets:/run/secrets:ro, shop_data:/opt/project/data], egress: allow, memory: 2g, pids: 64}",
    "broken": "x-runs: {volumes: [/etc:/etc]}",
}
ENTRYPOINT = ["python", "-P", "-m", "dagster_code_server.run"]
RUN_ID = "0b3f6b0e-6c0a-4e4e-9f0e-3f3c6f1f2a10"
# Ids of containers: of this deployment, of another project, of none, and two of this deployment with the same beginning.
OURS, THEIRS, NOBODYS = "a" * 64, "b" * 64, "c" * 64
TWINS = ("d" * 63 + "1", "d" * 63 + "2")
LABELS = {
    **{ours: {"dagster/project": "p", "dagster/run_id": RUN_ID} for ours in (OURS, *TWINS)},
    THEIRS: {"com.docker.compose.service": "postgres"},
}


def launch(host: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Returns docker-py 7.2's request for a run with every field, with changes to the body and its HostConfig."""
    return {
        "Tty": False, "OpenStdin": False, "StdinOnce": False, "AttachStdin": False, "AttachStdout": False,
        "AttachStderr": False, "NetworkDisabled": False,
        "Env": ["SHOP_URL=http://shop:8080"],
        "Cmd": ["dagster", "api", "execute_run", "{}"],
        "Image": "p/user_code:local",
        "Entrypoint": ENTRYPOINT,
        "Volumes": {"/run/secrets": {}, "/var/lib/dagster/exports": {}},
        "HostConfig": {
            "NetworkMode": "p_runs",
            "Binds": ["p_secrets_code:/run/secrets:ro", "p_exports:/var/lib/dagster/exports"],
            **(host or {}),
        },
        "NetworkingConfig": {"p_runs": None},
        "Labels": {"dagster/run_id": RUN_ID, "dagster/job_name": "letters_job", "dagster/project": "p"},
        **fields,
    }  # fmt: skip


@dataclass
class Engine:
    """Imitates a Docker engine and records its requests. It knows four containers, and some of them run."""

    received: list[tuple[str, str, bytes]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    async def record(self, request: web.Request) -> web.Response:
        """Records a request, and answers as Docker does."""
        self.received.append((request.method, request.raw_path, await request.read()))
        last = request.path.split("/")[-1]
        if last == "create":
            return web.json_response({"Id": OURS, "Warnings": []}, status=201)
        if last == "version":
            return web.json_response({"ApiVersion": "1.51", "MinAPIVersion": "1.24"})
        if request.path.endswith("/containers/json"):
            return web.json_response([{"Id": container} for container in self.running])
        if last == "json":
            return self._inspected(request.path.split("/")[3])
        if last == "start":
            self.running.append(request.path.split("/")[3])
        return web.Response(body=b"OK")

    @staticmethod
    def _inspected(container: str) -> web.Response:
        match [known for known in LABELS if known.startswith(container)]:
            case []:
                return web.json_response({"message": f"No such container: {container}"}, status=404)
            case [full]:
                return web.json_response({"Id": full, "Config": {"Labels": LABELS[full]}})
        return web.json_response({"message": f"multiple IDs found with provided prefix: {container}"}, status=400)

    @property
    def acted(self) -> list[tuple[str, str, bytes]]:
        """Returns the recorded requests, except those that only read the state of containers."""
        return [asked for asked in self.received if not (asked[0] == "GET" and asked[1].endswith("/json"))]

    @property
    def body(self) -> dict[str, Any]:
        """Returns the body of the last request."""
        body: dict[str, Any] = json.loads(self.received[-1][2])
        return body


@dataclass
class Setup:
    """Holds a client of the gateway, and the engine behind the gateway."""

    client: TestClient
    engine: Engine

    async def raw(self, request: bytes) -> bytes:
        """Sends bytes, which may hold more than one request, and returns the gateway's first answer."""
        assert self.client.server.port
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.server.port)
        writer.write(request)
        try:
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                return head + await reader.readexactly(int(length[1]) if length else 0)
        finally:
            writer.close()


def policy(folder: Path) -> Policy:
    """Returns the policy for the code locations of these tests, whose Compose files it writes into `folder`."""
    for name, text in LOCATIONS.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "compose.yml").write_text(text)
    return Policy(values(ENVIRONMENT), lambda name, schema: values_of(folder, name, ENVIRONMENT, schema))


@asynccontextmanager
async def gateway_before_engine(folder: Path, status_file: Path | None = None) -> AsyncIterator[Setup]:
    """Yields the gateway and its engine, whose socket lies in `folder`. The gateway keeps a file for Prometheus, if any."""
    engine = Engine()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", engine.record)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "docker.sock")).start()
    gateway = build_app(policy(folder), str(folder / "docker.sock"), status_file)
    async with TestClient(TestServer(gateway)) as client:
        yield Setup(client, engine)
    await runner.cleanup()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Setup]:
    """Yields the gateway and its engine for one test."""
    async with gateway_before_engine(tmp_path) as both:
        yield both
