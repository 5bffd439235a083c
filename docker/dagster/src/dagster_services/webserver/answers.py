"""Makes every answer encodable, whatever user code has put into a run: one odd value must not hide a whole page.

A Python text may hold half a character, which UTF-8 cannot encode: `os.fsdecode` makes one from a Latin-1 file name.
A float may be NaN, which JSON cannot hold.
"""

import json
import math
import re
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from dagster_deployment.mending import replace

HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def _finite(value: Any) -> Any:
    """The same value, with null for each float that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_finite(name): _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encoded(value: Any) -> bytes:
    """JSON in UTF-8, as starlette writes it; null or the replacement character stands for each value that it cannot hold."""
    try:
        text = _written(value)
    except ValueError:
        text = _written(_finite(value))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return HALF_CHARACTERS.sub(UNKNOWN, text).encode()


def _render(_: JSONResponse, content: Any) -> bytes:
    return encoded(content)


async def _send_json(websocket: WebSocket, data: Any) -> None:
    await websocket.send_text(encoded(data).decode())


def make_answers_encodable() -> None:
    """Changes starlette for this whole process: Dagster has no setting for its JSON."""
    replace(JSONResponse, "render", _render)
    replace(WebSocket, "send_json", _send_json)
