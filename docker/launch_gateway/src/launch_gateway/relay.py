"""Relays the calls that the policy allows to the engine's Unix socket, and answers all others itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from launch_gateway.answers import refusal, reply, streamed
from launch_gateway.policy import Call, Policy, RefusedError
from launch_gateway.status import kept

# `create` takes well under a second. `stop` waits for the run to end: 20 s of grace, then the kill.
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)
# The command of a run holds its instance and its code's origin: some 5 kB.
MAX_BODY_BYTES = 256 * 1024
# Ids of containers whose labels were found to be ours. Labels cannot change while a container exists.
KNOWN_CONTAINERS = 1000
# The name of a request's call in the policy.
CALL = web.RequestKey("call", str)
logger = logging.getLogger("launch_gateway")


class FullError(Exception):
    """The limit of running containers is reached; a later call may succeed."""


class NoContainerError(Exception):
    """The container of a call does not exist."""


class Gateway:
    """The gateway in front of one engine."""

    def __init__(self, policy: Policy, engine: aiohttp.ClientSession) -> None:
        """Serves with an open session to the engine."""
        self._policy = policy
        self._engine = engine
        self._known: OrderedDict[str, None] = OrderedDict()
        # Answered requests, by the name of the call in the policy and the verdict.
        self.verdicts: Counter[tuple[str, str]] = Counter()
        # Containers start one after the other: two counted at once would both find room.
        self._turn = asyncio.Lock()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Forwards a request, or refuses it with 403 and one sentence, in the engine's own format."""
        verdict, answer = await self._answered(request)
        self.verdicts[request.get(CALL, "other"), verdict] += 1
        return answer

    async def _answered(self, request: web.Request) -> tuple[str, web.StreamResponse]:
        try:
            return "passed", await self._limited(request, *await self._judged(request))
        except RefusedError as error:
            return "refused", refusal(request, error)
        except web.HTTPRequestEntityTooLarge:
            return "refused", refusal(request, RefusedError(f"the body is larger than {MAX_BODY_BYTES:,} bytes"))
        except FullError as error:
            return "no_room", reply(HTTPStatus.SERVICE_UNAVAILABLE, f"launch_gateway has no room: {error}.")
        except NoContainerError as error:
            return "no_container", reply(HTTPStatus.NOT_FOUND, str(error))
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            logger.warning("the engine did not answer %s %.200r: %s", request.method, request.raw_path, reason)
            return "engine_away", reply(HTTPStatus.BAD_GATEWAY, f"launch_gateway cannot reach the Docker engine: {reason}")

    async def _judged(self, request: web.Request) -> tuple[Call, bytes | None]:
        if "Upgrade" in request.headers:
            raise RefusedError("it asks for another protocol")
        if "Content-Encoding" in request.headers:
            raise RefusedError("the body must be as it is, not encoded")
        call = self._policy.call(request.method, request.raw_path)
        request[CALL] = call.name
        raw = await request.read()
        if call.name == "create":
            if request.content_type != "application/json":
                raise RefusedError("the body must be application/json")
            return call, self._policy.body(raw)
        if raw:
            raise RefusedError(f"{call.name} takes no body")
        if call.container is not None:
            call = await self._own(call)
        return call, None

    async def _own(self, call: Call) -> Call:
        """The call with its container's full id; the container belongs to a run of this deployment."""
        if call.container in self._known:
            return call
        inspect = self._policy.path(Call("inspect", call.container, {}))
        async with self._engine.get(URL(f"http://engine{inspect}", encoded=True)) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                raise NoContainerError(f"No such container: {call.container}")
            # The engine answers this to a beginning that several ids share.
            if answer.status == HTTPStatus.BAD_REQUEST:
                raise NoContainerError(f"No such container: more than one begins with {call.container}")
            answer.raise_for_status()
            found = await answer.json()
        if not self._policy.owns(found["Config"]["Labels"]):
            raise RefusedError(f"container {call.container} is not one of a run of this deployment")
        self._remember(found["Id"])
        return Call(call.name, found["Id"], call.query)

    def _remember(self, container: str) -> None:
        self._known[container] = None
        if len(self._known) > KNOWN_CONTAINERS:
            self._known.popitem(last=False)

    async def _limited(self, request: web.Request, call: Call, body: bytes | None) -> web.StreamResponse:
        """Creates and starts a container only if there is room for it."""
        if call.name == "create":
            await self._room()
        if call.name != "start":
            return await self._passed_on(request, call, body)
        async with self._turn:
            await self._room()
            return await self._passed_on(request, call, body)

    def status_kept(self, file: Path) -> AbstractAsyncContextManager[None]:
        """Keeps the file for Prometheus meanwhile."""
        return kept(file, self._ask, self._policy.data["mine"]["dagster/project"], self.verdicts)

    async def _ask(self, path: str) -> Any:
        url = URL(f"http://engine/v{self._policy.data['api_version']}{path}", encoded=True)
        async with self._engine.get(url) as answer:
            return await answer.json()

    async def _room(self) -> None:
        listed = self._policy.path(self._policy.call("GET", "/containers/json"))
        async with self._engine.get(URL(f"http://engine{listed}", encoded=True)) as answer:
            answer.raise_for_status()
            running, most = len(await answer.json()), self._policy.data["containers"]
        if running >= most:
            raise FullError(f"{running} containers of runs are running, and RUN_CONTAINERS_MAX in .env allows {most}")

    async def _passed_on(self, request: web.Request, call: Call, body: bytes | None) -> web.StreamResponse:
        url = URL(f"http://engine{self._policy.path(call)}", encoded=True)
        headers = {"Content-Type": "application/json"} if body else {}
        async with self._engine.request(request.method, url, data=body, headers=headers) as answer:
            passed = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
            if call.name == "logs":
                return await streamed(request, answer, passed)
            noted = self._noted(call, answer.status, await answer.read())
            return web.Response(status=answer.status, body=noted, headers=passed)

    def _noted(self, call: Call, status: int, body: bytes) -> bytes:
        """Notes a new container as ours, and sets the engine's version to the policy's; returns the engine's answer."""
        if call.name == "create" and status == HTTPStatus.CREATED:
            self._remember(json.loads(body)["Id"])
        if call.name == "version" and status == HTTPStatus.OK:
            return json.dumps({**json.loads(body), "ApiVersion": self._policy.data["api_version"]}).encode()
        return body


GATEWAY = web.AppKey("gateway", Gateway)


async def handle(request: web.Request) -> web.StreamResponse:
    """Handles every request, whatever its path."""
    return await request.app[GATEWAY].handle(request)


def build_app(policy: Policy, socket_path: str, status_file: Path | None = None) -> web.Application:
    """The gateway in front of the engine at `socket_path`. It keeps the file for Prometheus, if there is to be one."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)

    async def gateway(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.UnixConnector(path=socket_path)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, auto_decompress=False) as engine:
            app[GATEWAY] = Gateway(policy, engine)
            if status_file is None:
                yield
                return
            async with app[GATEWAY].status_kept(status_file):
                yield

    app.cleanup_ctx.append(gateway)
    app.router.add_route("*", "/{path:.*}", handle)
    return app
