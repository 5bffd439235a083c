"""Finds the address on which the code server listens."""

import socket
from collections.abc import Mapping

PORT = 4000


def own_address(name: str) -> str:
    """The address of this container among those of `name`: during a deployment two containers have the same name.

    Raises:
        OSError: none is this container's, or the name is not known.
    """
    found = [str(address[0]) for *_, address in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)]
    for address in found:
        with socket.socket() as probe:
            try:
                probe.bind((address, 0))
            except OSError:
                continue
            return address
    raise OSError(f"none of {', '.join(found)} is an address of this container: {name} names another one")


def server(environ: Mapping[str, str]) -> tuple[str, int]:
    """The address and the port of this container's code server.

    Raises:
        OSError: `LISTEN_ON` names another container.
    """
    return own_address(environ.get("LISTEN_ON", "127.0.0.1")), PORT
