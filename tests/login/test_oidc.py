"""LOGIN=oidc: the edge asks an OpenID Connect provider who may log in. The tests start one with three users."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import trustme
from playwright.sync_api import Browser, Page, expect

from dagster_api.waiting import NotYetError, seen, wait_for
from operate.compose import ROOT, free_port
from tests.login.edge import Edge, edge_with_overlay, readable
from tests.stack.browser import SEEN_MILLISECONDS, browser_page, network_changes_awaited, visit
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(300)
GROUPS = {
    # A user could create a group with this name. It looks like three groups if a program joins the names with commas.
    "vera": ["dagster-viewers", "a,dagster-operators,b"],
    "otto": ["staff", "dagster-operators"],
    "mallory": ["xdagster-operators", "staff"],
}
ASSET = "/assets/greeting?view=events"
COOKIE = "__Host-dagster_session"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclass(frozen=True)
class Provider:
    """Describes the provider: its address, and the CA that signed its certificate."""

    issuer: str
    authority: Path


def provider_answers(provider: Provider) -> bool:
    """Returns whether the provider answers. Raises NotYetError if it does not listen yet."""
    try:
        return requests.get(f"{provider.issuer}/.well-known/openid-configuration", verify=str(provider.authority), timeout=5).ok
    except requests.ConnectionError as error:
        raise NotYetError(error) from error


@pytest.fixture(scope="module")
def provider(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """Yields a provider that the containers and a browser on this machine can reach."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", f"{stack.environ['COMPOSE_PROJECT_NAME']}_outside", "--format", gateway]
    host = subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
    authority, folder, port = trustme.CA(), tmp_path_factory.mktemp("provider"), free_port()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(folder / "key.pem"))
    command = [sys.executable, "-m", "tests.login.oidc_provider", host, str(port), str(folder / "key.pem"), json.dumps(GROUPS)]
    provider = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = Provider(f"https://{host}:{port}", folder / "ca.pem")
        wait_for("the provider", lambda: provider_answers(found), seconds=60)
        yield found
    finally:
        provider.terminate()
        provider.wait()


@pytest.fixture(scope="module")
def edge(stack: Stack, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Yields the copy behind an edge that asks the provider."""
    folder = tmp_path_factory.mktemp("oidc")
    secret = folder / "secret"
    callback = f"https://localhost:{stack.environ['EDGE_HTTPS_PORT']}/oidc/callback"
    url, body = f"{provider.issuer}/oauth2/clients", {"redirect_uris": [callback]}
    client = requests.post(url, json=body, verify=str(provider.authority), timeout=10).json()
    secret.write_text(client["client_secret"])
    settings = {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": client["client_id"],
        "OIDC_CLIENT_SECRET_FILE": readable(secret),
        "EDGE_CA_FILE": readable(provider.authority),
    }
    with edge_with_overlay(stack, folder, "docker/compose.oidc.yml", **settings) as edge:
        yield edge


def test_edge_redirects_pages_to_the_provider_and_rejects_api_calls(edge: Edge, provider: Provider) -> None:
    """A client without a session must get no page and no data. A forged header must not change that."""
    login = f"{provider.issuer}/oauth2/authorize"
    for forged in ({}, {"Dagster-Role": "operator", "Dagster-User": "otto"}, {"OIDC_CLAIM_groups": "dagster-operators"}):
        for path in ("/", ASSET, "/check", "/server_info", "/x/../oidc/y", "/?x={env.EDGE_DOMAIN}"):
            url = edge.url + path
            answer = requests.get(url, headers={**PAGE, **forged}, verify=str(edge.authority), allow_redirects=False, timeout=20)
            assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, login)
        assert edge.ask("/graphql", body={"query": "{version}"}, **forged).status_code == 401
        assert edge.ask("/report_asset_materialization/greeting", body={}, **forged).status_code == 401


def test_edge_rejects_a_forged_answer_of_the_provider(edge: Edge) -> None:
    """A code is valid only with the state that the edge gave to the same browser."""
    for query in ("code=x&state=y", "error=none", ""):
        url = f"{edge.url}/oidc/callback?{query}"
        answer = requests.get(url, headers=PAGE, verify=str(edge.authority), allow_redirects=False, timeout=20)
        assert (answer.status_code >= 400) or answer.headers["Location"] == f"{edge.url}/", query
        assert COOKIE not in answer.cookies


def log_in(page: Page, provider: Provider, name: str) -> None:
    """Logs in at the provider; the browser then returns to the requested page.

    The browser forgets a half-finished login if the host's networks change. The user then asks for the page again.
    """

    def returned() -> None:
        visit(page, ASSET)
        if page.url.startswith(provider.issuer):
            with network_changes_awaited(), page.expect_navigation():
                page.get_by_role("button", name=name).click()
        seen(page.url.endswith(ASSET), f"{page.url}: {page.inner_text('body')}")

    wait_for(f"the login of {name}", returned, seconds=2 * SEEN_MILLISECONDS / 1000)


@pytest.mark.parametrize(("name", "may_run"), [("vera", False), ("otto", True)])
def test_group_of_a_user_decides_whether_the_user_can_materialize(
    edge: Edge, provider: Provider, browser: Browser, name: str, *, may_run: bool
) -> None:
    """The company manages the rights in its provider. After the login, the browser returns to the requested page."""
    with browser_page(browser, edge.url, ignore_https_errors=True) as page:
        log_in(page, provider, name)
        assert visit(page, ASSET).status == 200
        button = page.get_by_role("button", name="Materialize", exact=False).first
        expected = expect(button)
        (expected.to_be_enabled if may_run else expected.to_be_disabled)(timeout=SEEN_MILLISECONDS)
        (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")


def test_edge_rejects_a_user_who_is_in_neither_group(edge: Edge, provider: Provider, browser: Browser) -> None:
    """A group with a similar name must give no rights."""
    with browser_page(browser, edge.url, ignore_https_errors=True) as page:
        log_in(page, provider, "mallory")
        assert visit(page, ASSET).status == 403
