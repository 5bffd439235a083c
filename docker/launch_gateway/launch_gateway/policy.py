"""Which calls of the Docker API may pass. What is not here is refused."""

from __future__ import annotations

import re

_ID = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}"
_CALLS = (
    ("GET", r"/_ping"),
    ("HEAD", r"/_ping"),
    ("GET", r"/version"),
    ("POST", r"/containers/create"),
    ("GET", rf"/containers/{_ID}/json"),
    ("POST", rf"/containers/{_ID}/start"),
    ("POST", rf"/containers/{_ID}/stop"),
)
ALLOWED = tuple((method, re.compile(rf"(/v1\.\d{{2}})?{path}")) for method, path in _CALLS)


def allowed(method: str, raw_path: str) -> bool:
    """Whether a request line may pass. The path is judged as it was sent: nothing is decoded or normalised first."""
    path = raw_path.partition("?")[0]
    return any(method == name and pattern.fullmatch(path) for name, pattern in ALLOWED)
