"""Asks the webserver which definitions there are: the database does not know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_api.client import Client
from dagster_services.monitor.condition import Fault, Instigator, Roster

# Its name in the network `public`.
WEBSERVER = "http://ui:3000"
QUERY = """query Roster { workspaceOrError { __typename ... on PythonError { message } ... on Workspace { locationEntries {
  name location: locationOrLoadError { __typename ... on PythonError { message causes { message } }
    ... on RepositoryLocation { repositories { assetNodes { assetKey { path } }
      schedules { name scheduleState { selectorId status } }
      sensors { name minIntervalSeconds sensorState { selectorId status } } } } } } } } }"""


def ask() -> list[dict[str, Any]]:
    """The code locations, as the API shows them.

    Raises:
        ApiError: the webserver does not answer.
    """
    entries: list[dict[str, Any]] = Client(WEBSERVER, "").query(QUERY)["workspaceOrError"].get("locationEntries", [])
    return entries


def roster(entries: list[dict[str, Any]], before: Roster, now: float) -> Roster:
    """The definitions. Those of a location that does not load stay: its problems go on."""
    locations = {entry["name"]: _fault(entry, before.locations, now) for entry in entries}
    loaded = {name for name, fault in locations.items() if fault is None}
    instigators, assets = dict[str, Instigator](), dict[str, str]()
    for entry in entries:
        if entry["name"] in loaded:
            for repository in entry["location"]["repositories"]:
                instigators |= _instigators(repository, entry["name"])
                assets |= {"/".join(node["assetKey"]["path"]): entry["name"] for node in repository["assetNodes"]}
    kept = set(locations) - loaded
    return Roster(
        locations,
        {selector: each for selector, each in before.instigators.items() if each.location in kept} | instigators,
        {asset: name for asset, name in before.assets.items() if name in kept} | assets,
    )


def _fault(entry: Mapping[str, Any], before: Mapping[str, Fault | None], now: float) -> Fault | None:
    location = entry["location"]
    if location and location["__typename"] == "RepositoryLocation":
        return None
    reason = str([location, *location["causes"]][-1]["message"]) if location else "it is still loading"
    earlier = before.get(entry["name"])
    return Fault(earlier.since if earlier else now, reason)


def _instigators(repository: Mapping[str, Any], location: str) -> dict[str, Instigator]:
    found = {}
    for kind, state in (("schedule", "scheduleState"), ("sensor", "sensorState")):
        for each in repository[f"{kind}s"]:
            known = each[state]
            interval = float(each.get("minIntervalSeconds") or 0)
            found[known["selectorId"]] = Instigator(location, each["name"], kind, known["status"] == "RUNNING", interval)
    return found
