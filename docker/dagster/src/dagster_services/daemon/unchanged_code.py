"""Keeps the daemon from loading the same definitions again each minute.

Dagster's daemon does, in case it missed a new code server. With a small code location this took a fifth of its processor time at
rest. A server has an id of its own, and never changes its definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_representation.code_location import GrpcServerCodeLocation
from dagster._core.workspace.context import WorkspaceProcessContext

from dagster_deployment.mending import replace

if TYPE_CHECKING:
    from dagster._core.workspace.workspace import CodeLocationEntry

Refresh = Callable[[Any], None]


def is_current(entry: CodeLocationEntry) -> bool:
    """Whether the server of a code location is still the one whose definitions were loaded."""
    location = entry.code_location
    if not isinstance(location, GrpcServerCodeLocation):
        return False
    try:
        return bool(location.client.get_server_id() == location.server_id)
    except DagsterUserCodeUnreachableError:
        # Dagster's own refresh then finds out what is wrong, and keeps it for the UI.
        return False


def refreshing(refresh_by_dagster: Refresh) -> Refresh:
    """Dagster's refresh, only if a code location does not load, or has another server."""

    def refresh(context: Any) -> None:
        entries = context.get_current_workspace().code_location_entries
        if not all(map(is_current, entries.values())):
            refresh_by_dagster(context)

    return refresh


REFRESH = refreshing(WorkspaceProcessContext.refresh_workspace)


def keep_unchanged_code() -> None:
    """Applies the change to this whole process."""
    replace(WorkspaceProcessContext, "refresh_workspace", REFRESH)
