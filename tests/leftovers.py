"""Removes the objects that an interrupted test run left in Docker."""

from __future__ import annotations

import re
from functools import cache

from operate.compose import run

KINDS = {
    "container": ("--all", "{{.ID}} {{.Names}} {{.Labels}}"),
    "network": ("{{.ID}} {{.Name}}",),
    "volume": ("{{.Name}} {{.Labels}}",),
}


def of_lane(listing: str, lane: str) -> list[str]:
    """Returns the first word of each line that names a Compose project of this lane, as in `stack_testgw1`."""
    project = re.compile(rf"\b[a-z]+_test{lane}(?![a-z0-9])")
    return [line.split()[0] for line in listing.splitlines() if project.search(line)]


@cache
def remove_leftovers(lane: str) -> None:
    """Removes containers, networks and volumes that carry names of this lane. The first copy of a test process calls it.

    Seen on 2026-11-30: networks of a killed run had the lane's subnets, so that the next run could start no copy.
    """
    for kind, (*options, layout) in KINDS.items():
        for name in of_lane(run(["docker", kind, "ls", *options, "--format", layout], capture=True), lane):
            run(["docker", kind, "rm", "--force", name], capture=True)
