"""Reports a maintenance as a materialization of the asset `deployment/maintenance`: the UI shows it, and draws its figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

import dagster as dg

from dagster_deployment.collecting import SERVICE, collect_seldom

ASSET = dg.AssetKey(["deployment", "maintenance"])


def metadata(figures: Mapping[str, Mapping[str, int]], seconds: float, database: int, error: str) -> dict[str, dg.MetadataValue]:
    """The metadata of the materialization: what was removed, and from where."""
    removed = {f"{name}_{unit}": dg.MetadataValue.int(value) for name, each in figures.items() for unit, value in each.items()}
    total = sum(each["bytes"] for each in figures.values())
    said = {"error": dg.MetadataValue.text(error)} if error else {}
    return {
        "bytes": dg.MetadataValue.int(total),
        "database_bytes": dg.MetadataValue.int(database),
        "seconds": dg.MetadataValue.float(seconds),
        **said,
        **removed,
    }


def main() -> None:
    """Reads the figures from standard input."""
    collect_seldom(SERVICE)
    given = json.load(sys.stdin)
    with dg.DagsterInstance.get() as instance:
        event = dg.AssetMaterialization(
            ASSET,
            description=given["said"],
            metadata=metadata(given["figures"], given["seconds"], given["database"], given["error"]),
        )
        instance.report_runless_asset_event(event)


if __name__ == "__main__":
    main()
