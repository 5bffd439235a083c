"""Refuses what a page elsewhere makes a browser send: Dagster takes mutations from any page, by GET as well, and any Host.

Loopback is no protection against it: the browser of somebody on this machine is on loopback too.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

FOREIGN = {"cross-site", "same-site"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def refusal(scope: Scope, hosts: Iterable[str]) -> str | None:
    """Why an HTTP request or websocket may not pass, in one sentence; None where it may.

    A host that is an address cannot be somebody's domain that points here for the moment (DNS rebinding); names are listed.
    """
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not _is_address(name) and name not in hosts:
        return f"This webserver is not '{name[:100]}'."
    if headers.get("sec-fetch-site") in FOREIGN and headers.get("sec-fetch-mode") != "navigate":
        return "Not from another site."
    query = scope.get("query_string", b"").decode("latin-1")
    if scope["type"] == "http" and scope["path"].endswith("/graphql") and any(name == "query" for name, _ in parse_qsl(query)):
        return "Queries come by POST, in the body."
    return None


def guarded(app: App, hosts: Iterable[str]) -> App:
    """An ASGI application that lets through what `refusal` has nothing against."""
    names = {host.lower() for host in hosts}

    async def guard(scope: Scope, receive: Any, send: Any) -> None:
        said = refusal(scope, names) if scope["type"] in {"http", "websocket"} else None
        if said is None:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Before it was accepted: the server answers with 403.
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"{said}\n".encode()})

    return guard
