"""Serves the source system on port 8080."""

import os
import sys

from aiohttp import web

from users_api.server import build_app


def main() -> None:
    """Serves until it is told to stop."""
    rows = os.environ.get("USERS_API_ROWS") or "10"
    if not rows.isdecimal() or int(rows) > 1_000_000:  # noqa: PLR2004 - stated in the message
        sys.exit(f"USERS_API_ROWS is set to '{rows}', which is not allowed: it must be a whole number up to 1000000.")
    host, port = os.environ.get("USERS_API_HOST", "0.0.0.0"), int(os.environ.get("USERS_API_PORT", "8080"))  # noqa: S104 - inside a network of its own
    web.run_app(build_app(int(rows)), host=host, port=port, print=None, handler_cancellation=True, shutdown_timeout=1)


main()
