"""HTTP over the records: `GET /users`, `GET /posts?userId=N`, and `GET` or `PUT /control`."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from users_api.behaviour import Behaviour, ControlError, State, control, etag, users_payload
from users_api.records import make_posts

STATE = web.AppKey("state", list[State])
BODY = web.AppKey("body", dict[State, bytes])


def build_app(rows: int) -> web.Application:
    """The web application, with `rows` users."""
    app = web.Application()
    app[STATE] = [State(rows)]
    app[BODY] = {}
    app.add_routes(
        [
            web.get("/users", get_users),
            web.get("/posts", get_posts),
            web.get("/control", get_control),
            web.put("/control", put_control),
        ]
    )
    return app


async def get_users(request: web.Request) -> web.StreamResponse:
    """All users, or the behaviour that the control endpoint has set."""
    state = request.app[STATE][0]
    if state.behaviour is Behaviour.FAIL:
        return web.json_response({"error": "the source was told to fail"}, status=500)
    if state.behaviour is Behaviour.STALL:
        return await _stall(request)
    body = await _cached_body(request.app, state)
    response = web.Response(body=body, content_type="application/json", charset="utf-8")
    response.etag = etag(body)
    response.last_modified = state.published_at
    if request.if_none_match and response.etag in request.if_none_match:
        return web.Response(status=304, headers={"ETag": response.headers["ETag"]})
    return response


async def get_posts(request: web.Request) -> web.Response:
    """The posts of one user."""
    user = request.query.get("userId", "")
    if not user.isdecimal():
        return web.json_response({"error": "userId must be a whole number: /posts?userId=1"}, status=400)
    exists = 1 <= int(user) <= request.app[STATE][0].rows
    return web.json_response(make_posts(int(user)) if exists else [])


async def get_control(request: web.Request) -> web.Response:
    """The source's current state."""
    return _described(request.app[STATE][0])


async def put_control(request: web.Request) -> web.Response:
    """Sets another behaviour."""
    try:
        request.app[STATE][0] = control(request.app[STATE][0], await request.json())
    except json.JSONDecodeError as error:
        return web.json_response({"error": f"the body is not JSON: {error}"}, status=400)
    except ControlError as error:
        return web.json_response({"error": str(error)}, status=400)
    return _described(request.app[STATE][0])


def _described(state: State) -> web.Response:
    return web.json_response({"behaviour": state.behaviour, "rows": state.rows, "edition": state.edition})


async def _cached_body(app: web.Application, state: State) -> bytes:
    """Keeps the last body: 100,000 users take seconds to make."""
    if state not in app[BODY]:
        body = await asyncio.to_thread(users_payload, state)
        app[BODY].clear()
        app[BODY][state] = body
    return app[BODY][state]


async def _stall(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response
