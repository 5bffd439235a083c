"""Tests connect from a network of Docker to the services, as an attacker in a container does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from operate.compose import run

# The addresses of each service, with its port.
Places = dict[str, list[tuple[str, int]]]
# Connects to all addresses at the same time, because most of them never answer. Prints the names that accept a connection.
PROBE = """
import concurrent.futures, json, socket, sys
def accepting(name, address, port):
    try:
        socket.create_connection((address, port), 2).close()
    except OSError:
        return None
    return name
places = [(name, *place) for name, places in json.loads(sys.argv[1]).items() for place in places]
with concurrent.futures.ThreadPoolExecutor(len(places)) as pool:
    print(json.dumps(sorted(set(pool.map(accepting, *zip(*places))) - {None})))
"""


def addresses(containers: Iterable[str], ports: Mapping[str, int]) -> Places:
    """Returns all addresses of the services that have a port. A service has one in each of its networks."""
    found: Places = {}
    for item in json.loads(run(["docker", "inspect", *containers], capture=True)):
        name = item["Config"]["Labels"]["com.docker.compose.service"]
        if name in ports:
            networks = item["NetworkSettings"]["Networks"].values()
            found[name] = [(network["IPAddress"], ports[name]) for network in networks]
    return found


def reached_services(project: str, network: str, places: Places) -> set[str]:
    """Returns the services that accept a connection from a container in this network of a deployment."""
    python = ["--entrypoint", "python", f"{project}/dagster:local", "-c", PROBE, json.dumps(places)]
    return set(json.loads(run(["docker", "run", "--rm", "--network", f"{project}_{network}", *python], capture=True)))
