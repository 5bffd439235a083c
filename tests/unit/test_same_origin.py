"""The webserver rejects requests that a browser sends for foreign pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dagster_services.webserver.same_origin import guarded, refusal

NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
ELSEWHERE = {"origin": "https://evil.example"}


def scope(path: str = "/graphql", kind: str = "http", method: str = "GET", **headers: str) -> dict[str, Any]:
    path, _, query = path.partition("?")
    named = {name.replace("_", "-"): value for name, value in {"host": "localhost:3000", **headers}.items()}
    pairs = [(name.encode(), value.encode()) for name, value in named.items()]
    return {"type": kind, "method": method, "path": path, "query_string": query.encode(), "headers": pairs}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (scope(sec_fetch_site="cross-site", sec_fetch_mode="no-cors"), "Not from another site."),
        (scope(sec_fetch_site="same-site", sec_fetch_mode="cors"), "Not from another site."),
        (scope(kind="websocket", sec_fetch_site="cross-site", sec_fetch_mode="websocket"), "Not from another site."),
        (scope("/graphql?query=mutation{x}"), "Queries come by POST, in the body."),
        (scope("/graphql?a=b&%71uery=mutation{x}"), "Queries come by POST, in the body."),
        (scope("/graphql?query=mutation{x}", **NAVIGATION), "Queries come by POST, in the body."),
        (scope("/graphql\n?query=mutation{x}", **NAVIGATION), "Queries come by POST, in the body."),
        (scope("/graphql", method="POST", **NAVIGATION), "Not from another site."),
        (scope("/graphql\n?query=mutation{x}", method="POST", **NAVIGATION), "Not from another site."),
        (scope("/report_asset_check/", method="POST", **NAVIGATION), "Not from another site."),
        (scope(host="172.18.0.5:3000", method="POST", **ELSEWHERE), "Not from another site."),
        (scope(host="172.18.0.5:3000", kind="websocket", **ELSEWHERE), "Not from another site."),
        (scope(method="POST", origin="null"), "Not from another site."),
        (scope(method="POST", origin="http://localhost:3001"), "Not from another site."),
        (scope(host="evil.example"), "This webserver is not 'evil.example'."),
        (scope(host="localhost.evil.example:3000"), "This webserver is not 'localhost.evil.example'."),
        (scope(host=""), "This webserver is not ''."),
    ],
)
def test_refusal_rejects_requests_of_foreign_pages(asked: dict[str, Any], said: str) -> None:
    """A foreign page can use images, forms, scripts, websockets, or a name that points to this machine for a moment."""
    assert refusal(asked, {"localhost", "ui"}) == said


@pytest.mark.parametrize(
    "asked",
    [
        scope(),
        scope(sec_fetch_site="same-origin", sec_fetch_mode="cors"),
        scope(sec_fetch_site="none", sec_fetch_mode="navigate"),
        scope("/runs", **NAVIGATION),
        scope("/runs", **NAVIGATION, **ELSEWHERE),
        scope(method="POST", host="127.0.0.1:3000", origin="https://proxy.example", sec_fetch_site="same-origin"),
        scope(method="POST"),
        scope(method="POST", origin="http://localhost:3000", sec_fetch_site="same-origin", sec_fetch_mode="cors"),
        scope(method="POST", host="ui", origin="https://UI"),
        scope(kind="websocket", host="172.18.0.5:3000", origin="http://172.18.0.5:3000"),
        scope(host="127.0.0.1:3000"),
        scope(host="[::1]:3000"),
        scope(host="[::1]"),
        scope(host="UI:3000"),
        scope("/runs?query=x"),
        scope(kind="websocket", sec_fetch_site="same-origin", sec_fetch_mode="websocket"),
    ],
)
def test_refusal_accepts_the_ui_programs_and_links(asked: dict[str, Any]) -> None:
    """Users must be able to follow a link from a foreign page to the UI."""
    assert refusal(asked, {"localhost", "ui"}) is None


@pytest.mark.parametrize(
    ("asked", "events"),
    [
        (scope(host="evil.example"), ["http.response.start", "http.response.body"]),
        (scope(kind="websocket", host="evil.example"), ["websocket.close"]),
        (scope(), ["passed"]),
        ({"type": "lifespan"}, ["passed"]),
    ],
)
def test_guarded_application_never_receives_a_rejected_request(asked: dict[str, Any], events: list[str]) -> None:
    """A mutation must not run before its rejection. The server's own events must pass."""
    sent: list[str] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    async def send(event: dict[str, Any]) -> None:
        sent.append(event["type"])

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    asyncio.run(guarded(application, ["localhost"])(asked, receive, send))
    assert sent == events
