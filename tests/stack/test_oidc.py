"""LOGIN=oidc: who may pass is asked of a provider, a real one that knows three people."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import expect

from operate.compose import free_port, webserver_url
from operate.waiting import NotYetError, wait_for
from tests.stack.browser import SEEN_MILLISECONDS, browser_page
from tests.stack.conftest import Stack
from tests.stack.edge import Edge, edge_in_front

pytestmark = pytest.mark.timeout(300)
GROUPS = {
    # A group that somebody could have made, to look like two where groups are put into one line.
    "vera": ["dagster-viewers", "a,dagster-operators,b"],
    "otto": ["staff", "dagster-operators"],
    "mallory": ["xdagster-operators", "staff"],
}
ASSET = "/assets/raw_user_data?view=events"
COOKIE = "__Host-dagster_session"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def answers(url: str) -> bool:
    """Whether a provider is there yet."""
    try:
        return requests.get(f"{url}/.well-known/openid-configuration", timeout=5).ok
    except requests.ConnectionError as error:
        raise NotYetError(error) from error


@pytest.fixture(scope="module")
def issuer(stack: Stack) -> Iterator[str]:
    """The address of a provider that both containers and a browser of this machine reach."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", f"{stack.environ['COMPOSE_PROJECT_NAME']}_outside", "--format", gateway]
    host, port = subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip(), free_port()
    people = [f"--user-claims={json.dumps({'sub': name, 'groups': groups})}" for name, groups in GROUPS.items()]
    command = [
        sys.executable,
        "-m",
        "oidc_provider_mock",
        "--require-registration",
        "true",
        "--host",
        host,
        "--port",
        str(port),
        *people,
    ]
    provider = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://{host}:{port}"
        wait_for("the provider", lambda: answers(url), seconds=60)
        yield url
    finally:
        provider.terminate()
        provider.wait()


@pytest.fixture(scope="module")
def edge(stack: Stack, issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """The copy behind the edge, which asks the provider."""
    folder = tmp_path_factory.mktemp("oidc")
    secret, https = folder / "secret", str(free_port())
    callback = f"https://localhost:{https}/oidc/callback"
    client = requests.post(f"{issuer}/oauth2/clients", json={"redirect_uris": [callback]}, timeout=10).json()
    secret.write_text(client["client_secret"])
    settings = {"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": client["client_id"], "OIDC_CLIENT_SECRET_FILE": str(secret)}
    # Compose takes the file over as it is: container users must reach it.
    for reachable in (folder, *folder.parents[:2]):
        reachable.chmod(0o755)
    with edge_in_front(stack, folder, "docker/compose.oidc.yml", EDGE_HTTPS_PORT=https, **settings) as edge:
        stack.url = webserver_url(stack.environ)
        yield edge


def test_a_page_leads_to_the_provider_and_an_api_call_to_nothing(edge: Edge, issuer: str) -> None:
    """Whoever has no session sees neither page nor data, whatever they say to be."""
    for forged in ({}, {"Dagster-Role": "operator", "Dagster-User": "otto"}, {"OIDC_CLAIM_groups": "dagster-operators"}):
        for path in ("/", ASSET, "/check", "/server_info", "/x/../oidc/y", "/?x={env.EDGE_DOMAIN}"):
            url = edge.url + path
            answer = requests.get(url, headers={**PAGE, **forged}, verify=str(edge.authority), allow_redirects=False, timeout=20)
            assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, f"{issuer}/oauth2/authorize")
        assert edge.ask("/graphql", body={"query": "{version}"}, **forged).status_code == 401
        assert edge.ask("/report_asset_materialization/raw_user_data", body={}, **forged).status_code == 401


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
        page.goto(ASSET)
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
        page.goto(ASSET)
        with page.expect_response(lambda response: response.url == edge.url + ASSET) as last:
            page.get_by_role("button", name="mallory").click()
        assert last.value.status == 403
