"""Makes webserver and daemon know the code locations of workspace.yaml, without a restart if that is possible."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dagster_api.client import Client
from dagster_api.loading import wait_until_loaded
from dagster_api.workspace import load_errors, reload_workspace
from operate.compose import compose, services, url_of
from operate.containers import code_server_start
from operate.locations import WORKSPACE

# They mount workspace.yaml.
READERS = ("webserver", "webserver_viewers", "daemon")


def listed(text: str) -> set[str]:
    """The names of the code locations in workspace.yaml."""
    return set(re.findall(r"^\s*location_name: *(\S+)", text, re.MULTILINE))


def load_workspace(deployment: Mapping[str, Any], names: Sequence[str]) -> None:
    """Waits until the webserver has loaded these code locations, and knows those of workspace.yaml only.

    Raises:
        ApiError: the webserver does not answer.
        WaitError: a location is not loaded; the message holds the reason.
    """
    url = url_of(deployment)
    if _differs(url):
        _read_again(url)
    for name in names:
        wait_until_loaded(Client(url, name), since=code_server_start(deployment["name"], name))


def _differs(url: str) -> bool:
    return set(load_errors(url)) != listed(WORKSPACE.read_text())


def _read_again(url: str) -> None:
    reload_workspace(url)
    running = [name for name in READERS if name in services()]
    if _differs(url):
        # An editor has put a new file in the place of workspace.yaml: containers keep the old one until they restart.
        compose("restart", "--no-deps", *running)
    elif "webserver_viewers" in running:
        # It takes no mutation.
        compose("restart", "--no-deps", "webserver_viewers")
