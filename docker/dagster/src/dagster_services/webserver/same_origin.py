"""Rejects requests that a foreign page makes a browser send: Dagster takes mutations from any page, also by GET, and any Host.

Loopback does not protect against it: the user's browser on this machine is on loopback too.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

FOREIGN = {"cross-site", "same-site"}
READING = {"GET", "HEAD"}
# A foreign page that frames this one could make a user click in it. A browser obeys every policy that it receives:
# Dagster's own policy applies as well.
UNFRAMED = [(b"content-security-policy", b"frame-ancestors 'none'"), (b"x-frame-options", b"DENY")]


def is_graphql(path: str) -> bool:
    """Whether Dagster's router takes the path for its API: the router ignores a line feed at the end of a path."""
    return path.rstrip().endswith("/graphql")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser sends it for a foreign page. To addresses without TLS, except loopback, it sends only the origin."""
    if site := headers.get("sec-fetch-site"):
        return site in FOREIGN
    origin = headers.get("origin")
    return origin is not None and origin.rpartition("://")[2].lower() != headers.get("host", "").lower()


def _is_link(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether the request follows a link: a foreign form that is submitted is a navigation as well."""
    return headers.get("sec-fetch-mode") == "navigate" and scope.get("method") in READING


def refusal(scope: Scope, hosts: Iterable[str]) -> str | None:
    """The reason to reject an HTTP request or websocket, in one sentence; None if it may pass.

    An address as host is safe: only a name can be a foreign domain that points here for the moment (DNS rebinding). Names are
    listed.
    """
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not _is_address(name) and name not in hosts:
        return f"This webserver is not '{name[:100]}'."
    if _is_foreign(headers) and not _is_link(scope, headers):
        return "Not from another site."
    query = scope.get("query_string", b"").decode("latin-1")
    if scope["type"] == "http" and is_graphql(scope["path"]) and any(name == "query" for name, _ in parse_qsl(query)):
        return "Queries come by POST, in the body."
    return None


def guarded(app: App, hosts: Iterable[str]) -> App:
    """An ASGI application that rejects each request for which `refusal` gives a reason."""
    names = {host.lower() for host in hosts}

    async def guard(scope: Scope, receive: Any, send: Any) -> None:
        said = refusal(scope, names) if scope["type"] in {"http", "websocket"} else None
        if said is None:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            # The websocket is not accepted yet: the server answers with 403.
            await send({"type": "websocket.close", "code": 1008})
        else:
            # Reads a short body first. Otherwise the edge has seen the connection close early, and answered 502.
            await receive()
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"{said}\n".encode()})

    return guard


def unframed(app: App) -> App:
    """An ASGI application that forbids every page to show an answer in a frame."""

    async def unframe(scope: Scope, receive: Any, send: Any) -> None:
        async def sending(event: Any) -> None:
            headers = {"headers": [*event.get("headers", []), *UNFRAMED]} if event["type"] == "http.response.start" else {}
            await send({**event, **headers})

        await app(scope, receive, sending)

    return unframe
