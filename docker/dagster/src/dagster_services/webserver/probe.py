"""Health of the webserver: does it answer? `/server_info` touches no database, so a slow database does not restart it.

While the webserver starts, its port is closed, and this probe runs every two seconds. It imports an HTTP client only once
the port is open: that takes two thirds of its 0.15 s of CPU.
"""

import os
import socket
import sys

ADDRESS = (os.environ["LISTEN_ON"], 3000)
SECONDS = 15


def version() -> str | None:
    """Dagster's version, which the webserver names; None if it names none."""
    import json  # noqa: PLC0415 - not before the port is open
    from urllib.request import urlopen  # noqa: PLC0415

    with urlopen(f"http://{ADDRESS[0]}:{ADDRESS[1]}/server_info", timeout=SECONDS) as response:
        found: str | None = json.load(response).get("dagster_version")
        return found


if __name__ == "__main__":
    socket.create_connection(ADDRESS, SECONDS).close()
    sys.exit(version() is None)
