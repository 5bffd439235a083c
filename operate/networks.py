"""Networks that Docker can still make: a deployment needs eight, and an engine has addresses for 31."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, ip_network
from itertools import islice
from pathlib import Path
from typing import Any

from operate.compose import run

# Of an engine without `default-address-pools`: base, and the size of a network. Docker 28.5 has these, its first is the bridge's.
DEFAULT_POOLS = (
    *((f"172.{second}.0.0/16", 16) for second in (17, 18, 19)),
    *((f"172.{second}.0.0/14", 16) for second in (20, 24, 28)),
    ("192.168.0.0/16", 20),
)
ROUTES = Path("/proc/net/route")


def shortage(needed: int, free: int) -> str | None:
    """One sentence with the numbers and the remedy, where Docker would say that all pools have been fully subnetted."""
    if needed <= free:
        return None
    return (
        f"{needed} more networks are needed, and Docker has addresses for {free}: remove networks that nobody uses with "
        "`docker network prune`, or another copy with `make down`, or set more default-address-pools in Docker's daemon.json."
    )


def missing(deployment: Mapping[str, Any], there: Iterable[str]) -> int:
    """How many networks Compose is going to make of Docker's own addresses; `there` are the names of those that exist."""
    names = set(there)
    return sum(
        network["name"] not in names and not network.get("external") and not (network.get("ipam") or {}).get("config")
        for network in deployment.get("networks", {}).values()
    )


def free(pools: Sequence[tuple[str, int]], taken: Sequence[IPv4Network], most: int) -> int:
    """How many networks fit into `pools` beside those that are `taken`; counts to `most`, because a pool may hold thousands."""
    return sum(1 for _ in islice(_blocks(pools, taken), most))


def _blocks(pools: Sequence[tuple[str, int]], taken: Sequence[IPv4Network]) -> Iterator[IPv4Network]:
    for base, size in pools:
        pool = IPv4Network(base, strict=False)
        # A pool that is taken as a whole may hold a million networks.
        if any(pool.subnet_of(other) for other in taken):
            continue
        for block in pool.subnets(new_prefix=size):
            if not any(block.overlaps(other) for other in taken):
                yield block


def pools_of(answer: str) -> Sequence[tuple[str, int]]:
    """The pools of `docker info`, in JSON: null where the engine has its own."""
    found = [(pool["Base"], pool["Size"]) for pool in json.loads(answer) or []]
    return [(base, size) for base, size in found if ":" not in base] or DEFAULT_POOLS


def direct_routes(table: str) -> list[IPv4Network]:
    """What this host reaches without a gateway, in the kernel's table: Docker keeps clear of it."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [
        IPv4Network((int.from_bytes(bytes.fromhex(row[1])[::-1]), f"{int(row[7], 16).bit_count()}"))
        for row in rows
        if int(row[2], 16) == 0 and int(row[7], 16)
    ]


def count(deployment: Mapping[str, Any], *, here: bool) -> tuple[int, int]:
    """Networks that are needed, and that Docker has addresses for. Where the engine is not `here`, routes are not known."""
    ids = run(["docker", "network", "ls", "--quiet"], capture=True).split()
    networks = json.loads(run(["docker", "network", "inspect", *ids], capture=True))
    subnets = [ip_network(config["Subnet"]) for network in networks for config in network["IPAM"]["Config"] or []]
    taken = [subnet for subnet in subnets if isinstance(subnet, IPv4Network)]
    taken += direct_routes(ROUTES.read_text()) if here and ROUTES.exists() else []
    needed = missing(deployment, (network["Name"] for network in networks))
    pools = pools_of(run(["docker", "info", "--format", "{{json .DefaultAddressPools}}"], capture=True))
    return needed, free(pools, taken, needed)
