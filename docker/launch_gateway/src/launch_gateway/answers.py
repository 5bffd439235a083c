"""The gateway's own answers, and those of the engine that are too long to hold."""

from __future__ import annotations

import logging
from http import HTTPStatus

import aiohttp
from aiohttp import web

from launch_gateway.policy import RefusedError

CHUNK_BYTES = 64 * 1024
logger = logging.getLogger("launch_gateway")


async def streamed(request: web.Request, found: aiohttp.ClientResponse, headers: dict[str, str]) -> web.StreamResponse:
    """The engine's answer, passed on while it comes."""
    response = web.StreamResponse(status=found.status, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in found.content.iter_chunked(CHUNK_BYTES):
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError) as error:
        # The answer has begun: only an abort can still say that it is incomplete.
        logger.warning("the engine broke off %.200r: %s", request.raw_path, error)
        if request.transport:
            request.transport.close()
    return response


def reply(status: int, message: str) -> web.Response:
    """An answer in the engine's own format."""
    return web.json_response({"message": message}, status=status)


def refusal(request: web.Request, error: RefusedError) -> web.Response:
    """The answer to a request that may not pass; the log has it too."""
    logger.warning("refused %s %.200r from %s: %r", request.method, request.raw_path, request.remote, str(error))
    return reply(HTTPStatus.FORBIDDEN, f"launch_gateway refuses {request.method} {request.raw_path[:200]}: {error}.")
