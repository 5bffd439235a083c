"""Serves the gateway on port 2375."""

import logging
import os
import sys

from aiohttp import web

from launch_gateway.policy import Policy
from launch_gateway.relay import build_app
from launch_gateway.settings import SettingsError, values

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
try:
    policy = Policy(values(os.environ))
except SettingsError as error:
    sys.exit(str(error))
web.run_app(build_app(policy, "/var/run/docker.sock"), port=2375, print=None, access_log=None)
