"""Relays allowed requests to the engine's Unix socket."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from yarl import URL

from launch_gateway.policy import allowed

SESSION = web.AppKey("session", aiohttp.ClientSession)
# `create` takes well under a second, `stop` waits for the run to end: 20 s of grace, then the kill.
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)
MAX_BODY_BYTES = 1024 * 1024
logger = logging.getLogger("launch_gateway")


def build_app(socket_path: str) -> web.Application:
    """The gateway in front of the engine at `socket_path`."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", relay)

    async def engine(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.UnixConnector(path=socket_path)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, auto_decompress=False) as session:
            app[SESSION] = session
            yield

    app.cleanup_ctx.append(engine)
    return app


async def relay(request: web.Request) -> web.StreamResponse:
    """Passes one request on, or refuses it with 403 and one sentence, in the engine's own form."""
    if not allowed(request.method, request.raw_path):
        logger.warning("refused %s %s from %s", request.method, request.raw_path, request.remote)
        message = f"launch_gateway refuses {request.method} {request.path}: a run needs create, start, inspect and stop."
        return web.json_response({"message": message}, status=403)
    try:
        return await _pass_on(request)
    except (aiohttp.ClientError, TimeoutError) as error:
        logger.warning("the engine did not answer %s %s: %s", request.method, request.raw_path, error or "no answer in time")
        return web.json_response(
            {"message": f"launch_gateway cannot reach the Docker engine: {error or 'no answer in time'}"}, status=502
        )


async def _pass_on(request: web.Request) -> web.StreamResponse:
    url = URL(f"http://engine{request.raw_path}", encoded=True)
    body = await request.read()
    headers = {"Content-Type": "application/json"} if body else {}
    async with request.app[SESSION].request(request.method, url, data=body, headers=headers) as answer:
        content_type = answer.headers.get("Content-Type", "application/json")
        passed = {name: answer.headers[name] for name in ("Api-Version", "Server") if name in answer.headers}
        return web.Response(status=answer.status, body=await answer.read(), headers={"Content-Type": content_type, **passed})
