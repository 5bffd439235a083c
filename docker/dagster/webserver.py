"""Becomes the webserver, unless it would be published beyond this machine: who reaches it can run code, without a login."""

import ipaddress
import os
import sys

PORT = "3000"


def check_bind(address: str) -> None:
    """Ends with one sentence where `address`, the host's side of the published port, is not loopback.

    Raises:
        SystemExit: it is not.
    """
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        sys.exit(
            f"WEBSERVER_BIND is set to '{address}', which is not allowed: the webserver has no login, so it is published on "
            "127.0.0.1 only. Correct it in .env, or put the login in front of it: make up EDGE=1."
        )


def main() -> None:
    """Options of `dagster-webserver`, such as --read-only, are passed on."""
    check_bind(os.environ.get("WEBSERVER_BIND", ""))
    command = [
        "dagster-webserver",
        "--host",
        os.environ["LISTEN_ON"],
        "--port",
        PORT,
        "--workspace",
        "workspace.yaml",
        *sys.argv[1:],
    ]
    os.execvp(command[0], command)  # noqa: S606 - PATH is the image's


if __name__ == "__main__":
    main()
