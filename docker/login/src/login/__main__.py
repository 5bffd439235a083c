"""Serves on port 8080."""

import logging
from pathlib import Path

from aiohttp import web

from login.server import build_app

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
web.run_app(build_app(Path("/var/lib/login/users")), port=8080, print=None, access_log=None)
