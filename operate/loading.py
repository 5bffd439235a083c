"""Checks whether the webserver has loaded the code location.

The webserver detects a new code server, but not at once: we saw `docker compose up --wait` end 0.3 s earlier. A code server
that starts twice in a row leaves the webserver without a code location in between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from operate import queries
from operate.compose import CommandError, compose, run
from operate.graphql import LOCATION, ApiError, Client
from operate.waiting import NotYetError, seen, wait_for

# Loading takes some 10 s on two cores, if all services start at once.
LOAD_SECONDS = 90


def wait_until_loaded(client: Client, *, since: float = 0, seconds: float = LOAD_SECONDS) -> None:
    """Waits until the webserver has loaded the code location, at or after `since` (seconds since 1970).

    Raises:
        WaitError: it did not within `seconds`; the message holds the webserver's answer.
    """

    def loaded() -> bool:
        try:
            answer = client.query(queries.LOADED, name=LOCATION)["entry"]
        except ApiError as error:
            raise NotYetError(error) from error
        return seen(is_loaded(answer, since), json.dumps(answer))

    wait_for(f"loading of the code location {LOCATION}", loaded, seconds=seconds)


def is_loaded(entry: Mapping[str, object], since: float) -> bool:
    """Whether the API's workspace entry was loaded without an error, at or after `since`."""
    location = entry.get("location")
    updated = entry.get("updatedTimestamp")
    return (
        isinstance(location, dict)
        and location["__typename"] == "RepositoryLocation"
        and isinstance(updated, float)
        and updated >= since
    )


def code_server_start(env: Mapping[str, str] | None = None) -> float:
    """The start time of the code server's container: seconds since 1970, by the engine's clock.

    Raises:
        CommandError: the code server does not run.
    """
    container = compose("ps", "--quiet", "user_code", capture=True, env=env).strip()
    if not container:
        raise CommandError("the code server does not run: make up")
    stamp = run(["docker", "inspect", "--format", "{{.State.StartedAt}}", container], capture=True).strip()
    return datetime.fromisoformat(stamp).timestamp()
