"""Serves the gateway on port 2375."""

import logging

from aiohttp import web

from launch_gateway.relay import build_app

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
web.run_app(build_app("/var/run/docker.sock"), port=2375, print=None, access_log=None)
