"""Writes a file for Prometheus: the gateway's verdicts, and how often Docker has restarted each service.

The service `monitor` reads the file. Prometheus itself must not reach the gateway: whoever does may launch runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

# An inspection takes the engine a millisecond or two. An alert may come as much later.
EVERY_SECONDS = 30
SERVICE = "com.docker.compose.service"
Ask = Callable[[str], Awaitable[Any]]
logger = logging.getLogger("launch_gateway")


def listing(project: str) -> str:
    """The path for the engine that lists all containers of a Compose project; `docker compose run` makes others."""
    labels = [f"com.docker.compose.project={project}", "com.docker.compose.oneoff=False"]
    return f"/containers/json?{urlencode({'all': 1, 'filters': json.dumps({'label': labels})})}"


def summary(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """What Prometheus gets of a container."""
    return {
        "restarts": inspected["RestartCount"],
        "is_healthy": inspected["State"]["Health"]["Status"] == "healthy" and inspected["State"]["Running"],
    }


async def services(ask: Ask, project: str) -> dict[str, dict[str, Any]]:
    """The summary of each service that has a health check, by its name. A container that ends meanwhile has none.

    Raises:
        aiohttp.ClientError: the engine does not answer.
        TimeoutError: it does not answer in time.
    """
    found = {}
    for each in await ask(listing(project)):
        inspected = await ask(f"/containers/{each['Id']}/json")
        if inspected.get("State", {}).get("Health"):
            found[each["Labels"][SERVICE]] = summary(inspected)
    return found


def text(verdicts: Counter[tuple[str, str]], found: Mapping[str, Any]) -> str:
    """The file as JSON."""
    requests = [[call, verdict, number] for (call, verdict), number in sorted(verdicts.items())]
    return json.dumps({"requests": requests, "services": found})


async def _keep(file: Path, ask: Ask, project: str, verdicts: Counter[tuple[str, str]]) -> None:
    # While the engine is away, facts of services are the last ones.
    found: dict[str, Any] = {}
    new = file.with_suffix(".new")
    while True:
        try:
            found = await services(ask, project)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("the engine did not answer for the metrics: %s", str(error) or "no answer in time")
        try:
            new.write_text(text(verdicts, found))
            new.replace(file)
        except OSError as error:
            logger.warning("the file for the metrics was not written: %s", error)
        await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def kept(file: Path, ask: Ask, project: str, verdicts: Counter[tuple[str, str]]) -> AsyncIterator[None]:
    """Writes the file every EVERY_SECONDS meanwhile."""
    keeping = asyncio.create_task(_keep(file, ask, project, verdicts))
    yield
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
