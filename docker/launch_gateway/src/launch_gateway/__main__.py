"""Serves the gateway on port 2375."""

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from launch_gateway.locations import names, values_of
from launch_gateway.policy import Policy
from launch_gateway.relay import build_app
from launch_gateway.settings import SettingsError, run_values, status_file, values

# The deployment's folder `locations`, as Compose mounts it.
LOCATIONS = Path("/etc/launch_gateway/locations")
logger = logging.getLogger("launch_gateway")


def of_location(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one code location, read anew."""
    return values_of(LOCATIONS, name, os.environ, schema)


def main() -> None:
    """Serves until it is stopped. Ends with one sentence if a setting of the deployment is not allowed.

    A code location with a mistake must not stop the others: the gateway logs it, and refuses its runs.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        policy = Policy(values(os.environ), of_location)
        run_values(os.environ, "any", {"volumes": []})
    except SettingsError as error:
        sys.exit(f"{error} Correct it in .env.")
    for name in names(LOCATIONS):
        try:
            of_location(name, policy.data["runs"])
        except SettingsError as error:
            logger.error("runs of %s will be refused: %s", name, error)  # noqa: TRY400 - the sentence says all
    app = build_app(policy, "/var/run/docker.sock", status_file(os.environ))
    web.run_app(app, port=2375, print=None, access_log=None)


if __name__ == "__main__":
    main()
