"""The code locations that the webserver knows."""

from __future__ import annotations

from typing import Any

from dagster_api import queries
from dagster_api.client import ApiError, Client


def load_errors(url: str) -> dict[str, str | None]:
    """Each code location's name, with the reason why it is not loaded, or None if it is.

    Raises:
        ApiError: the webserver does not answer.
    """
    answer = Client(url, "").query(queries.WORKSPACE)["workspaceOrError"]
    if "locationEntries" not in answer:
        raise ApiError(f"the workspace cannot be read: {answer.get('message')}")
    return {entry["name"]: _error(entry["location"]) for entry in answer["locationEntries"]}


def _error(location: dict[str, Any] | None) -> str | None:
    """The first cause: Dagster wraps an error of user code in errors of its own."""
    if location is None:
        return "it is still loading"
    if location["__typename"] == "RepositoryLocation":
        return None
    return str([location, *location["causes"]][-1]["message"])


def reload_workspace(url: str) -> None:
    """Makes the webserver read its list of code locations again. The daemon reads it each minute.

    Raises:
        ApiError: the webserver does not answer, or refuses it.
    """
    answer = Client(url, "").query(queries.RELOAD_WORKSPACE)["reloadWorkspace"]
    if answer["__typename"] != "Workspace":
        raise ApiError(f"the workspace cannot be reloaded: {answer}")


def clients(url: str) -> list[Client]:
    """A client for each code location that is loaded."""
    return [Client(url, name) for name, error in load_errors(url).items() if error is None]


def client_with(url: str, job: str) -> Client:
    """The client of the first code location that has this job.

    Raises:
        ApiError: none has it.
    """
    for client in clients(url):
        if job in [each["name"] for each in client.repository()["jobs"]]:
            return client
    raise ApiError(f"no code location that is loaded has a job {job}")
