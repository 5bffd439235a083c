"""What Dagster says of its own condition: daemons, runs, assets, maintenance. For `make doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_api.client import Client
from dagster_api.runs import Run

DAEMONS = """query Daemons { instance { daemonHealth { allDaemonStatuses {
  daemonType required lastHeartbeatTime lastHeartbeatErrors { message } } } } }"""
ASSETS = """query Assets { assetNodes { assetKey { path } freshnessStatusInfo { freshnessStatus }
  assetChecksOrError { __typename ... on AssetChecks { checks { name
    executionForLatestMaterialization { status evaluation { severity } } } } } } }"""
MAINTENANCE = """query Maintenance { assetOrError(assetKey: {path: ["deployment", "maintenance"]}) { __typename ... on Asset {
  assetMaterializations(limit: 30) { timestamp description metadataEntries { label
    ... on IntMetadataEntry { intRepr } ... on TextMetadataEntry { text } } } } } }"""
MOST = 1000
NOT_FRESH = {"WARNING", "DEGRADED"}


@dataclass(frozen=True)
class Daemon:
    """A daemon: the time of its last heartbeat in seconds since 1970, and the newest error that came with it."""

    name: str
    heartbeat: float | None
    error: str | None


@dataclass(frozen=True)
class Assets:
    """The assets whose freshness policy is not met, and the checks that fail, as `asset:check`."""

    stale: tuple[str, ...]
    failed_checks: tuple[str, ...]


@dataclass(frozen=True)
class Maintenance:
    """A past maintenance: its time in seconds since 1970, what it said, its error, and the size of the database in bytes."""

    at: float
    said: str
    error: str
    database: int | None


def daemons(client: Client) -> list[Daemon]:
    """The daemons that this deployment needs.

    Raises:
        ApiError: the webserver does not answer.
    """
    found = client.query(DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
    return [_daemon(each) for each in found if each["required"]]


def _daemon(data: dict[str, Any]) -> Daemon:
    errors = [error["message"] for error in data["lastHeartbeatErrors"]]
    return Daemon(data["daemonType"], data["lastHeartbeatTime"], errors[0] if errors else None)


def assets(client: Client) -> Assets:
    """The assets of all code locations that need attention.

    Raises:
        ApiError: the webserver does not answer.
    """
    nodes = client.query(ASSETS)["assetNodes"]
    return Assets(
        stale=tuple(sorted(_name(node) for node in nodes if _freshness(node) in NOT_FRESH)),
        failed_checks=tuple(sorted(name for node in nodes for name in _failed_checks(node))),
    )


def _name(node: dict[str, Any]) -> str:
    return "/".join(node["assetKey"]["path"])


def _freshness(node: dict[str, Any]) -> str | None:
    return (node["freshnessStatusInfo"] or {}).get("freshnessStatus")


def _failed_checks(node: dict[str, Any]) -> list[str]:
    checks = node["assetChecksOrError"].get("checks", [])
    return [f"{_name(node)}:{check['name']}" for check in checks if _fails(check["executionForLatestMaterialization"])]


def _fails(execution: dict[str, Any] | None) -> bool:
    """Whether the last execution failed. A result with the severity WARN is a warning only."""
    if execution is None or execution["status"] not in {"FAILED", "EXECUTION_FAILED"}:
        return False
    return (execution["evaluation"] or {}).get("severity") != "WARN"


def under_way(client: Client) -> list[Run]:
    """The runs that have not ended, the oldest first.

    Raises:
        ApiError: the webserver does not answer.
    """
    # Each kind for itself: the API shows the newest, and a backfill may queue thousands.
    kinds = (["STARTING", "STARTED", "CANCELING"], ["QUEUED"])
    return sorted((run for kind in kinds for run in client.runs(statuses=kind, limit=MOST)), key=lambda run: run.created)


def maintenances(client: Client) -> list[Maintenance]:
    """The last thirty times of maintenance, the newest first.

    Raises:
        ApiError: the webserver does not answer.
    """
    answer = client.query(MAINTENANCE)["assetOrError"]
    return [_maintenance(each) for each in answer.get("assetMaterializations", [])]


def _maintenance(data: dict[str, Any]) -> Maintenance:
    entries = {each["label"]: each for each in data["metadataEntries"]}
    size = entries.get("database_bytes", {}).get("intRepr")
    error = entries.get("error", {}).get("text", "")
    return Maintenance(float(data["timestamp"]) / 1000, data["description"] or "", error, int(size) if size else None)
