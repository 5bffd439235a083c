"""Counts the networks that Docker can still make. A deployment needs eight; an engine has addresses for 31."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, ip_network
from itertools import islice
from pathlib import Path
from typing import Any

from operate.compose import run

# Base and network size for an engine without `default-address-pools`, as in Docker 28.5. The bridge has the first.
DEFAULT_POOLS = (
    *((f"172.{second}.0.0/16", 16) for second in (17, 18, 19)),
    *((f"172.{second}.0.0/14", 16) for second in (20, 24, 28)),
    ("192.168.0.0/16", 20),
)
ROUTES = Path("/proc/net/route")


def shortage(needed: int, free: int) -> str | None:
    """A sentence with numbers and remedy, in place of Docker's error that all pools have been fully subnetted."""
    if needed <= free:
        return None
    return (
        f"{needed} more networks are needed, and Docker has addresses for {free}: remove networks that nobody uses with "
        "`docker network prune`, or another copy with `make down`, or set more default-address-pools in Docker's daemon.json."
    )


def missing(deployment: Mapping[str, Any], there: Iterable[str]) -> int:
    """The number of networks that Compose will make from Docker's addresses. `there` names the existing ones."""
    names = set(there)
    return sum(
        network["name"] not in names and not network.get("external") and not (network.get("ipam") or {}).get("config")
        for network in deployment.get("networks", {}).values()
    )


def free(pools: Sequence[tuple[str, int]], taken: Sequence[IPv4Network], most: int) -> int:
    """The number of networks that fit into `pools` beside `taken`. It counts to `most`: a pool may hold thousands."""
    return sum(1 for _ in islice(_blocks(pools, taken), most))


def _blocks(pools: Sequence[tuple[str, int]], taken: Sequence[IPv4Network]) -> Iterator[IPv4Network]:
    for base, size in pools:
        pool = IPv4Network(base, strict=False)
        # Skips a fully taken pool: it may hold a million networks.
        if any(pool.subnet_of(other) for other in taken):
            continue
        for block in pool.subnets(new_prefix=size):
            if not any(block.overlaps(other) for other in taken):
                yield block


def pools_of(answer: str) -> Sequence[tuple[str, int]]:
    """The address pools from the JSON of `docker info`, which is null for Docker's default pools."""
    found = [(pool["Base"], pool["Size"]) for pool in json.loads(answer) or []]
    return [(base, size) for base, size in found if ":" not in base] or DEFAULT_POOLS


def direct_routes(table: str) -> list[IPv4Network]:
    """The networks that this host reaches without a gateway, by the kernel's table. Docker avoids them."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [
        IPv4Network((int.from_bytes(bytes.fromhex(row[1])[::-1]), f"{int(row[7], 16).bit_count()}"))
        for row in rows
        if int(row[2], 16) == 0 and int(row[7], 16)
    ]


def count(deployment: Mapping[str, Any], *, here: bool) -> tuple[int, int]:
    """Returns how many networks are needed, and how many fit. Routes are unknown if the engine is not `here`."""
    ids = run(["docker", "network", "ls", "--quiet"], capture=True).split()
    networks = json.loads(run(["docker", "network", "inspect", *ids], capture=True))
    subnets = [ip_network(config["Subnet"]) for network in networks for config in network["IPAM"]["Config"] or []]
    taken = [subnet for subnet in subnets if isinstance(subnet, IPv4Network)]
    taken += direct_routes(ROUTES.read_text()) if here and ROUTES.exists() else []
    needed = missing(deployment, (network["Name"] for network in networks))
    pools = pools_of(run(["docker", "info", "--format", "{{json .DefaultAddressPools}}"], capture=True))
    return needed, free(pools, taken, needed)
