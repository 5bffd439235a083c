"""Runs from the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
UNDER_WAY = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")


@dataclass(frozen=True)
class Run:
    """A run from the API. Times are seconds since 1970; `steps` maps a step to its status."""

    run_id: str
    job: str
    status: str
    created: float
    started: float | None
    ended: float | None
    tags: dict[str, str]
    assets: tuple[str, ...]
    steps: dict[str, str] = field(default_factory=dict)


def parse_run(data: dict[str, Any]) -> Run:
    """A run from the fields that `queries.py` asks for."""
    return Run(
        run_id=data["runId"],
        job=data["jobName"],
        status=data["status"],
        created=data["creationTime"],
        started=data["startTime"],
        ended=data["endTime"],
        tags={tag["key"]: tag["value"] for tag in data["tags"]},
        assets=tuple("/".join(key["path"]) for key in data["assetSelection"] or ()),
        steps={step["stepKey"]: step["status"] for step in data.get("stepStats", ())},
    )
