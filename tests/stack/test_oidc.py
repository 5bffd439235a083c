"""LOGIN=oidc: who may pass is asked of a provider, a real one that knows three people."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import trustme
from playwright.sync_api import expect

from dagster_api.waiting import NotYetError, wait_for
from operate.compose import ROOT, free_port, webserver_url
from tests.stack.browser import SEEN_MILLISECONDS, browser_page, visit
from tests.stack.conftest import Stack
from tests.stack.edge import Edge, edge_in_front, readable

pytestmark = pytest.mark.timeout(300)
GROUPS = {
    # A group that somebody could have made, to look like two where groups are put into one line.
    "vera": ["dagster-viewers", "a,dagster-operators,b"],
    "otto": ["staff", "dagster-operators"],
    "mallory": ["xdagster-operators", "staff"],
}
ASSET = "/assets/greeting?view=events"
COOKIE = "__Host-dagster_session"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclass(frozen=True)
class Provider:
    """Where it is, and the CA that has signed its certificate, as a company has one."""

    issuer: str
    authority: Path


def answers(provider: Provider) -> bool:
    """Whether a provider is there yet."""
    try:
        return requests.get(f"{provider.issuer}/.well-known/openid-configuration", verify=str(provider.authority), timeout=5).ok
    except requests.ConnectionError as error:
        raise NotYetError(error) from error


@pytest.fixture(scope="module")
def provider(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider that both containers and a browser of this machine reach."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", f"{stack.environ['COMPOSE_PROJECT_NAME']}_outside", "--format", gateway]
    host = subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
    authority, folder, port = trustme.CA(), tmp_path_factory.mktemp("provider"), free_port()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(folder / "key.pem"))
    command = [sys.executable, "-m", "tests.stack.oidc_provider", host, str(port), str(folder / "key.pem"), json.dumps(GROUPS)]
    provider = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = Provider(f"https://{host}:{port}", folder / "ca.pem")
        wait_for("the provider", lambda: answers(found), seconds=60)
        yield found
    finally:
        provider.terminate()
        provider.wait()


@pytest.fixture(scope="module")
def edge(stack: Stack, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """The copy behind the edge, which asks the provider."""
    folder = tmp_path_factory.mktemp("oidc")
    secret, https = folder / "secret", str(free_port())
    callback = f"https://localhost:{https}/oidc/callback"
    url, body = f"{provider.issuer}/oauth2/clients", {"redirect_uris": [callback]}
    client = requests.post(url, json=body, verify=str(provider.authority), timeout=10).json()
    secret.write_text(client["client_secret"])
    settings = {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": client["client_id"],
        "OIDC_CLIENT_SECRET_FILE": readable(secret),
        "EDGE_CA_FILE": readable(provider.authority),
    }
    with edge_in_front(stack, folder, "docker/compose.oidc.yml", EDGE_HTTPS_PORT=https, **settings) as edge:
        stack.url = webserver_url(stack.environ)
        yield edge


def test_a_page_leads_to_the_provider_and_an_api_call_to_nothing(edge: Edge, provider: Provider) -> None:
    """A client without a session sees neither page nor data, whatever name it claims."""
    login = f"{provider.issuer}/oauth2/authorize"
    for forged in ({}, {"Dagster-Role": "operator", "Dagster-User": "otto"}, {"OIDC_CLAIM_groups": "dagster-operators"}):
        for path in ("/", ASSET, "/check", "/server_info", "/x/../oidc/y", "/?x={env.EDGE_DOMAIN}"):
            url = edge.url + path
            answer = requests.get(url, headers={**PAGE, **forged}, verify=str(edge.authority), allow_redirects=False, timeout=20)
            assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, login)
        assert edge.ask("/graphql", body={"query": "{version}"}, **forged).status_code == 401
        assert edge.ask("/report_asset_materialization/greeting", body={}, **forged).status_code == 401


def test_a_made_up_answer_of_the_provider_is_none(edge: Edge) -> None:
    """Nor is a code without the state that this login gave to this browser."""
    for query in ("code=x&state=y", "error=none", ""):
        url = f"{edge.url}/oidc/callback?{query}"
        answer = requests.get(url, headers=PAGE, verify=str(edge.authority), allow_redirects=False, timeout=20)
        assert (answer.status_code >= 400) or answer.headers["Location"] == f"{edge.url}/", query
        assert COOKIE not in answer.cookies


@pytest.mark.parametrize(("name", "may_run"), [("vera", False), ("otto", True)])
def test_the_group_decides_who_looks_and_who_runs(edge: Edge, name: str, *, may_run: bool) -> None:
    """After the login people are where they wanted to be."""
    with browser_page(edge.url, ignore_https_errors=True) as page:
        visit(page, ASSET)
        page.get_by_role("button", name=name).click()
        page.wait_for_url(re.compile(re.escape(edge.url + ASSET)))
        button = page.get_by_role("button", name="Materialize", exact=False).first
        expected = expect(button)
        (expected.to_be_enabled if may_run else expected.to_be_disabled)(timeout=SEEN_MILLISECONDS)
        (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")


def test_who_is_in_neither_group_stays_outside(edge: Edge) -> None:
    """A group whose name only looks alike is another group."""
    with browser_page(edge.url, ignore_https_errors=True) as page:
        visit(page, ASSET)
        with page.expect_response(lambda response: response.url == edge.url + ASSET) as last:
            page.get_by_role("button", name="mallory").click()
        assert last.value.status == 403
