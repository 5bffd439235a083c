"""The preflight counts the networks that Docker can still create before its predefined address pools are full."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from operate.networks import DEFAULT_POOLS, direct_routes, free, missing, pools_of, shortage
from scripts.compose_text import compose_file

# The kernel prints such a table. The third route has addresses that Docker would take next. The last has a gateway.
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
eth0\t0000A8C0\t010200C0\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
BRIDGE = IPv4Network("172.17.0.0/16")


def test_default_pools_have_addresses_for_the_bridge_and_thirty_networks() -> None:
    """Three copies of this deployment, and six networks of a fourth, fit into one engine."""
    networks = compose_file("docker-compose.yml")["networks"]
    assert free(DEFAULT_POOLS, [], 100) == 31
    assert (30 // len(networks), 30 % len(networks)) == (3, 6)


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([BRIDGE], 30),
        ([BRIDGE, BRIDGE], 30),
        ([IPv4Network("172.18.5.0/24")], 30),
        ([IPv4Network("172.16.0.0/12")], 16),
        ([IPv4Network("192.168.0.0/16")], 15),
        ([IPv4Network("10.0.0.0/8")], 31),
        ([IPv4Network("0.0.0.0/0")], 0),
    ],
)
def test_free_does_not_count_networks_whose_addresses_are_in_use(taken: list[IPv4Network], left: int) -> None:
    """Docker skips a network of which even a part is in use. Other addresses do not matter."""
    assert free(DEFAULT_POOLS, taken, 100) == left


def test_free_stops_counting_at_the_needed_number() -> None:
    """A pool of 10.0.0.0/8 has a million networks of 16 addresses."""
    assert free([("10.0.0.0/8", 28)], [], 8) == 8


def test_pools_of_reads_the_ipv4_pools_of_the_engine() -> None:
    """`docker info` prints null for the default pools. Docker uses IPv6 pools only for networks that ask for IPv6."""
    assert pools_of("null") == DEFAULT_POOLS
    configured = '[{"Base": "10.200.0.0/16", "Size": 24}, {"Base": "fd00::/8", "Size": 64}]'
    assert pools_of(configured) == [("10.200.0.0/16", 24)]


def test_direct_routes_ignore_routes_with_a_gateway() -> None:
    """Docker itself avoids only the addresses of routes without a gateway."""
    assert direct_routes(ROUTES) == [BRIDGE, IPv4Network("192.168.0.0/20")]


def test_missing_does_not_count_networks_that_exist_or_have_a_subnet() -> None:
    """A deployment that already runs needs no new network."""
    deployment = {
        "networks": {
            "new": {"name": "p_new", "ipam": {}},
            "there": {"name": "p_there"},
            "elsewhere": {"name": "shared", "external": True},
            "fixed": {"name": "p_fixed", "ipam": {"config": [{"subnet": "10.1.0.0/24"}]}},
        }
    }
    assert missing(deployment, ["p_there", "bridge"]) == 1
    assert missing({}, []) == 0


def test_shortage_reports_needed_and_free_networks() -> None:
    """One network less must give an error with both numbers and the remedy."""
    assert shortage(8, 8) is None
    assert (shortage(8, 7) or "").startswith("8 more networks are needed, and Docker has addresses for 7: remove networks")
