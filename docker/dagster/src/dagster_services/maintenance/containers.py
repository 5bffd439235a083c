"""Removes ended containers of runs. Each keeps its log until then: up to 30 MB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from docker.client import DockerClient
from docker.errors import APIError

from dagster_services.maintenance.parts import Removed

# Until then `docker logs` shows all that one has printed.
KEPT = timedelta(days=1)
ENDED = ["exited", "created", "dead"]


def is_old(state: dict[str, Any], created: str, now: datetime) -> bool:
    """Whether a container has ended so long ago. One that has never started counts from when it was made."""
    # Docker writes nanoseconds, and the year 1 where there is no time.
    ended = state["FinishedAt"] if not state["FinishedAt"].startswith("0001") else created
    return datetime.fromisoformat(ended[:19]).replace(tzinfo=UTC) < now - KEPT


def remove_ended(*, counts_only: bool) -> Removed:
    """Removes them through the launch gateway, which lists only those of this deployment.

    Raises:
        docker.errors.DockerException: gateway or engine do not answer, or one or more cannot be removed. All others are.
    """
    api, now = DockerClient.from_env(timeout=60).api, datetime.now(UTC)
    count, kept = 0, []
    for each in api.containers(all=True, filters={"status": ENDED}):
        try:
            found = api.inspect_container(each["Id"])
            if is_old(found["State"], found["Created"], now):
                count += 1
                if not counts_only:
                    api.remove_container(each["Id"])
        except APIError as error:
            # Somebody else may have removed it.
            if error.status_code != 404:  # noqa: PLR2004 - not found
                kept.append(error)
    if kept:
        raise kept[0]
    return Removed(count)
