"""The behaviours that the control endpoint can set, and the effect of each on an answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from users_api.records import make_user


class Behaviour(StrEnum):
    """How `GET /users` answers."""

    OK = "ok"
    # HTTP 500.
    FAIL = "fail"
    # Headers at once, then silence.
    STALL = "stall"
    # Cut off in the middle: not valid JSON.
    MALFORMED = "malformed"
    # The last user's latitude is not a number: the record is complete but not usable.
    INVALID = "invalid"
    # The last user lacks its e-mail address.
    INCOMPLETE = "incomplete"


class ControlError(Exception):
    """The control endpoint does not understand a request; the message lists the valid requests."""


@dataclass(frozen=True)
class State:
    """The behaviour that the source was asked for. `edition` counts publications of new data."""

    rows: int
    behaviour: Behaviour = Behaviour.OK
    edition: int = 0
    published_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))


def control(state: State, request: Any) -> State:
    """The state after `request`: an object with any of `behaviour` (a name), `rows` (0 to 1,000,000) and `publish` (true).

    Raises:
        ControlError: anything else.
    """
    allowed = f"send an object with 'behaviour' ({', '.join(Behaviour)}), 'rows' (0 to 1000000) or 'publish' (true)"
    if not isinstance(request, dict) or not request or request.keys() - {"behaviour", "rows", "publish"}:
        raise ControlError(f"{json.dumps(request)[:200]} is not understood: {allowed}.")
    behaviour, rows, publish = (request.get(name) for name in ("behaviour", "rows", "publish"))
    if behaviour is not None and behaviour not in list(Behaviour):
        raise ControlError(f"behaviour {json.dumps(behaviour)[:200]} is not known: {allowed}.")
    if rows is not None and (type(rows) is not int or not 0 <= rows <= 1_000_000):  # noqa: PLR2004 - stated in the message
        raise ControlError(f"rows {json.dumps(rows)[:200]} is not allowed: {allowed}.")
    if publish not in (None, True):
        raise ControlError(f"publish {json.dumps(publish)[:200]} is not allowed: {allowed}.")
    if behaviour is not None:
        state = replace(state, behaviour=Behaviour(behaviour))
    if rows is not None or publish:
        published = datetime.now(UTC).replace(microsecond=0)
        new_rows = state.rows if rows is None else rows
        state = replace(state, rows=new_rows, edition=state.edition + bool(publish), published_at=published)
    return state


def users_payload(state: State) -> bytes:
    """The body of `GET /users`."""
    users = [make_user(number, state.edition) for number in range(1, state.rows + 1)]
    if state.behaviour is Behaviour.INCOMPLETE and users:
        del users[-1]["email"]
    if state.behaviour is Behaviour.INVALID and users:
        users[-1]["address"]["geo"]["lat"] = "north"
    payload = json.dumps(users, ensure_ascii=False).encode()
    return payload[: len(payload) // 2] if state.behaviour is Behaviour.MALFORMED else payload


def etag(payload: bytes) -> str:
    """The strong entity tag of a body."""
    return hashlib.sha256(payload).hexdigest()[:32]
