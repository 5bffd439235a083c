"""How many networks Docker can still make, before it says that all predefined address pools have been fully subnetted."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from operate.networks import DEFAULT_POOLS, direct_routes, free, missing, pools_of, shortage
from scripts.compose_text import compose_file

# As the kernel prints it: a default route, the bridge's, and that of a network whose addresses Docker would take next.
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
eth0\t0000A8C0\t010200C0\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
BRIDGE = IPv4Network("172.17.0.0/16")


def test_an_engine_has_addresses_for_the_bridge_and_thirty_networks() -> None:
    """Three copies of this deployment, and six networks of a fourth."""
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
def test_addresses_that_are_in_use_are_not_free(taken: list[IPv4Network], left: int) -> None:
    """Part of a network is all of it; other addresses do not matter."""
    assert free(DEFAULT_POOLS, taken, 100) == left


def test_a_large_pool_is_counted_no_further_than_needed() -> None:
    """A pool of 10.0.0.0/8 has a million networks of 16 addresses."""
    assert free([("10.0.0.0/8", 28)], [], 8) == 8


def test_pools_are_those_of_the_engine() -> None:
    """`docker info` says null where they are its own; those of IPv6 are for networks that ask for them."""
    assert pools_of("null") == DEFAULT_POOLS
    configured = '[{"Base": "10.200.0.0/16", "Size": 24}, {"Base": "fd00::/8", "Size": 64}]'
    assert pools_of(configured) == [("10.200.0.0/16", 24)]


def test_only_routes_without_a_gateway_keep_docker_away() -> None:
    """Docker looks at the same ones."""
    assert direct_routes(ROUTES) == [BRIDGE, IPv4Network("192.168.0.0/20")]


def test_networks_that_are_there_or_have_addresses_of_their_own_are_not_needed() -> None:
    """A deployment that runs already needs no network."""
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


def test_as_many_as_are_needed_are_enough() -> None:
    """One less is one sentence with both numbers."""
    assert shortage(8, 8) is None
    assert (shortage(8, 7) or "").startswith("8 more networks are needed, and Docker has addresses for 7: remove networks")
