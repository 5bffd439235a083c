"""Health of the code server. While it loads code, its port is closed, and this probe runs every two seconds.

Until the port is open, the probe imports neither gRPC nor psycopg2: they take 0.15 s of CPU.
"""

import os
import socket
import sys

from dagster_code_server.address import server

CONNECT_SECONDS = 12


def main() -> None:
    """Ends with the reason if the server is not healthy."""
    try:
        socket.create_connection(server(os.environ), CONNECT_SECONDS).close()
    except OSError as error:
        sys.exit(f"the code server does not answer: {error}")
    from dagster_code_server.health import check  # noqa: PLC0415 - not before the port is open

    check(os.environ)


if __name__ == "__main__":
    main()
