"""Checks whether the webserver has loaded the code location.

The webserver detects a new code server, but not at once: we saw `docker compose up --wait` end 0.3 s earlier. A code server
that starts twice in a row leaves the webserver without a code location in between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from dagster_api import queries
from dagster_api.client import ApiError, Client
from dagster_api.waiting import NotYetError, seen, wait_for

# Loading takes some 10 s on two cores, if all services start at once.
LOAD_SECONDS = 90


def wait_until_loaded(client: Client, *, since: float = 0, seconds: float = LOAD_SECONDS, again: bool = False) -> None:
    """Waits until the webserver has loaded the code location, at or after `since` (seconds since 1970).

    With `again` it loads a location again that shows an error: the webserver may have asked an old server and a new one.

    Raises:
        WaitError: it did not within `seconds`; the message holds the webserver's answer.
    """

    def loaded() -> bool:
        try:
            answer = client.query(queries.LOADED, name=client.location)["entry"]
        except ApiError as error:
            raise NotYetError(error) from error
        if again and has_error(answer):
            client.query(queries.RELOAD_LOCATION, name=client.location)
        return seen(is_loaded(answer, since), json.dumps(answer))

    wait_for(f"loading of the code location {client.location}", loaded, seconds=seconds)


def has_error(entry: Mapping[str, object]) -> bool:
    """Whether the API's workspace entry says that the location does not load."""
    location = entry.get("location")
    return isinstance(location, dict) and location["__typename"] == "PythonError"


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
