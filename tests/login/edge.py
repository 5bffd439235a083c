"""Tests put the edge in front of a copy, and send requests to it as a client or a browser does."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from dagster_api.queries import LAUNCH
from dagster_api.waiting import seen
from operate.compose import webserver_url
from operate.up import ensure_base_images
from tests.selector import SELECTOR
from tests.stack.browser import browser_page
from tests.stack.conftest import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


@dataclass
class Edge:
    """Describes the edge: its address, its CA, and the passwords of its users."""

    url: str
    authority: Path
    passwords: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, user: str = "", password: str = "", body: Any = None, **headers: str) -> requests.Response:
        """Returns the answer to a GET, or to a POST of `body`. The request verifies the certificate."""
        method, auth = "GET" if body is None else "POST", (user, password or self.passwords[user]) if user else None
        url = self.url + path
        return requests.request(method, url, json=body, auth=auth, headers=headers, verify=str(self.authority), timeout=20)

    def raw_post(self, path: str, user: str) -> int:
        """Returns the status of a POST. The client sends the path unchanged."""
        prepared = requests.Request("POST", self.url, json={}, auth=(user, self.passwords[user])).prepare()
        prepared.url = self.url + path
        with requests.Session() as session:
            return session.send(prepared, verify=str(self.authority), timeout=20).status_code

    def launch(self, user: str) -> dict[str, Any]:
        """Returns the GraphQL answer to the launch of `quick_job`."""
        params = {"selector": {**SELECTOR, "jobName": "quick_job"}, "runConfigData": {}, "mode": "default"}
        answer = self.ask("/graphql", user, body={"query": LAUNCH, "variables": {"params": params}})
        assert answer.status_code == 200
        said: dict[str, Any] = answer.json()
        return said


def readable(file: Path) -> str:
    """Returns the path of a file after all users may read it. Compose mounts the file with its permissions."""
    for reachable in (file, *file.parents[:3]):
        reachable.chmod(0o755)
    return str(file)


def edge_of(stack: Stack, folder: Path) -> Edge:
    """Returns the edge of the running copy. Its CA is kept in the folder. The copy's client then asks the webserver itself."""
    stack.url = webserver_url(stack.environ)
    authority = folder / "root.crt"
    authority.write_text(stack.exec("edge", "cat", "/data/caddy/pki/authorities/local/root.crt"))
    return Edge(f"https://localhost:{stack.environ['EDGE_HTTPS_PORT']}", authority)


@contextmanager
def edge_with_overlay(stack: Stack, folder: Path, overlay: str, **settings: str) -> Iterator[Edge]:
    """Starts the copy with an overlay and settings. Restores the settings at the end of the block."""
    before = dict(stack.environ)
    stack.environ |= {"COMPOSE_FILE": f"{before['COMPOSE_FILE']}:{overlay}", **settings}
    ensure_base_images(stack.environ)
    stack.compose("build", "--quiet")
    try:
        stack.up()
        yield edge_of(stack, folder)
    finally:
        stack.environ = before


@contextmanager
def edge_with_settings(stack: Stack, **settings: str) -> Iterator[None]:
    """Restarts only the edge with other settings. Restores the settings at the end of the block."""
    before, start = dict(stack.environ), ("up", "--detach", "--wait", "--no-deps", "edge")
    stack.environ |= settings
    try:
        stack.compose(*start)
        yield
    finally:
        stack.environ = before
        stack.compose(*start)


def certificate_names(port: int, domain: str, authority: str) -> Any:
    """Verifies the certificate of the edge, and returns the names in it."""
    context = ssl.create_default_context(cafile=authority)
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname=domain) as tls:
        return (tls.getpeercert() or {})["subjectAltName"]


def is_loaded(edge: Edge) -> bool:
    """Returns whether the viewers' webserver has loaded the code location. It answers requests before that."""
    assets = edge.ask("/graphql", "vera", body={"query": "{assetNodes {assetKey {path}}}"}).text
    return seen("greeting" in assets, assets)


def logged_in_page(browser: Browser, edge: Edge, user: str) -> AbstractContextManager[Page]:
    """Returns a browser page that sends the user's name and password."""
    login = {"username": user, "password": edge.passwords[user]}
    return browser_page(browser, edge.url, ignore_https_errors=True, http_credentials=login)
