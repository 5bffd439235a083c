"""EDGE=1 requires a login. Viewers can only read, and operators can launch runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from dagster_api.waiting import wait_for
from operate.compose import ROOT
from tests.login.acme import DIRECTORY, acme_service
from tests.login.edge import HEADERS, Edge, certificate_names, edge_of, edge_with_settings, is_loaded, logged_in_page
from tests.selector import SELECTOR
from tests.stack.browser import SEEN_MILLISECONDS, visit
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(300)
# The users exist only in this copy, which the tests remove.
PASSWORDS = {"vera": "looks-and-sees-7", "otto": "runs-and-stops-8", "gil": "is-guessed-at-9"}


@pytest.fixture(scope="module")
def edge(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Edge:
    """Returns the edge of the copy, which has three users."""
    edge = edge_of(stack, tmp_path_factory.mktemp("edge"))
    edge.passwords = PASSWORDS
    for name, role in (("vera", "viewer"), ("otto", "operator"), ("gil", "viewer")):
        made = stack.make("user", f"NAME={name}", f"ROLE={role}", text=PASSWORDS[name] + "\n")
        assert (made.returncode, made.stdout) == (0, f"user: {name} is {role} now\n"), made.stderr
    wait_for("the code location for viewers", lambda: is_loaded(edge), seconds=60)
    return edge


def test_edge_serves_nothing_without_a_login(edge: Edge, stack: Stack) -> None:
    """A page, the API, a report or a file could reveal data. No other service may publish a port."""
    for path in ("/", "/graphql", "/server_info", "/report_asset_materialization/x", "/main.js"):
        answer = edge.ask(path)
        assert (answer.status_code, answer.text) == (401, "Log in to use Dagster.\n"), path
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Dagster", charset="UTF-8"'
    assert edge.ask("/server_info", **{"Dagster-Role": "operator", "Dagster-User": "otto"}).status_code == 401
    published = stack.compose("ps", "--format", "{{.Service}} {{.Ports}}")
    assert [line.split()[0] for line in published.splitlines() if "->" in line] == ["edge"]


def test_edge_redirects_http_to_https(edge: Edge, stack: Stack) -> None:
    """The browser must not send a password over plain HTTP."""
    url = f"http://127.0.0.1:{stack.environ['EDGE_HTTP_PORT']}/x"
    answer = requests.get(url, headers={"Host": "localhost"}, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://localhost/x")


def test_viewer_can_read_and_cannot_change_anything(edge: Edge) -> None:
    """GraphQL, the REST endpoints and a forged role must give a viewer no more rights."""
    answer = edge.ask("/server_info", "vera")
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "Caddy" not in str(answer.headers)
    assert edge.launch("vera")["data"]["launchRun"]["__typename"] == "UnauthorizedError"
    for path in ("/report_asset_materialization/greeting", "/report_asset_check/x", "/report_asset_observation/x"):
        for body in ({}, None):
            answer = edge.ask(path, "vera", body=body)
            assert (answer.status_code, answer.text) == (403, "Viewers can look, and change nothing."), path
    assert edge.ask("/report_asset_materialization/x", "vera", body={}, **{"Dagster-Role": "operator"}).status_code == 403
    assert edge.raw_post("/report_asset_materialization/x/../../graphql", "vera") == 403


def test_edge_rejects_requests_from_other_sites(edge: Edge) -> None:
    """Dagster accepts mutations from any site, even in a GET request. The browser's headers name the site of a request."""
    for site in ("cross-site", "same-site"):
        answer = edge.ask("/graphql", "otto", body={"query": "{version}"}, **{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"})
        assert (answer.status_code, answer.text) == (403, "Not from another site.\n"), site
    assert edge.ask("/graphql?query={version}", "otto").status_code == 403
    same = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert edge.ask("/graphql", "otto", body={"query": "{version}"}, **same).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert edge.ask("/", "otto", **link).status_code == 200
    for path in ("/graphql", "/graphql%0A?query={version}", "/report_asset_materialization/x"):
        assert edge.ask(path, "otto", body={"query": "{version}"}, **link).text == "Not from another site.\n", path
    assert edge.ask("/graphql%0A?query={version}", "otto", **link).status_code == 403


def test_edge_rejects_requests_that_are_too_large(edge: Edge) -> None:
    """The edge limits the body and the headers, and allows smaller requests. Debian's Caddy 2.6 answers a large body with 502."""
    assert edge.ask("/graphql", "otto", body={"query": "x" * 9_000_000}).status_code == 400
    assert edge.ask("/graphql", "otto", body={"query": "x" * 11_000_000}).status_code in {413, 502}
    assert edge.ask("/server_info", "otto", **{"X-Long": "x" * 40_000}).status_code == 431


def test_operator_can_launch_runs_and_report_events(edge: Edge, stack: Stack) -> None:
    """Operators must work as without the edge. The audit log also names them."""
    assert edge.launch("otto")["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert 'audit - "otto": launchRun jobName="quick_job"' in stack.compose("logs", "--no-log-prefix", "webserver")
    answer = edge.ask("/report_asset_materialization/greeting", "otto", body={})
    assert (answer.status_code, answer.json()) == (200, {})


def test_audit_log_names_the_user_of_every_mutation(edge: Edge, stack: Stack) -> None:
    """A header can make Caddy drop the name. One request can hold many mutations. Neither may hide the user."""
    hidden = " ".join(f'a{number}: terminateRun(runId: "hidden-{number}") {{__typename}}' for number in range(22))
    taken = {"Connection": "close, Dagster-User, Dagster-Role"}
    assert edge.ask("/graphql", "otto", body={"query": f"mutation {{{hidden}}}"}, **taken).status_code == 200
    log = stack.compose("logs", "--no-log-prefix", "webserver")
    for told in ('terminateRun runId="hidden-19"', "and 2 more in the same request: 2 terminateRun"):
        assert f'audit - "otto": {told}\n' in log, told


def test_viewer_cannot_run_user_code(edge: Edge) -> None:
    """A dry run or a future tick would run code. tests/integration/test_viewers.py tests all mutations."""
    schedule = json.dumps({**SELECTOR, "scheduleName": "slow_schedule"})
    selector = re.sub(r'"(\w+)":', r"\1:", schedule)
    for query, said in (
        (f"mutation {{scheduleDryRun(selectorData: {selector}, timestamp: 1) {{__typename}}}}", "UnauthorizedError"),
        (
            f"{{scheduleOrError(scheduleSelector: {selector}) {{... on Schedule {{"
            "futureTick(tickTimestamp: 1) {evaluationResult {error {message}}}}}}",
            "Viewers can look: to evaluate a schedule or a sensor would run its code.",
        ),
    ):
        assert said in edge.ask("/graphql", "vera", body={"query": query}).text, query


def test_smoke_passes_behind_the_edge_without_a_password(edge: Edge, stack: Stack) -> None:
    """An operator runs the command on this machine, and must not need a password for it."""
    stack.schedules(running=True)
    assert {line.split()[0] for line in stack.make("smoke").stdout.splitlines()} == {"PASS"}
    stack.schedules(running=False)


ASSET = "/assets/greeting"


def test_ui_disables_the_materialize_button_for_a_viewer(edge: Edge, browser: Browser) -> None:
    """An enabled button would always fail for a viewer."""
    with logged_in_page(browser, edge, "vera") as page:
        visit(page, ASSET)
        button = page.get_by_role("button", name="Materialize", exact=False).first
        expect(button).to_be_disabled(timeout=SEEN_MILLISECONDS)


def test_operator_can_materialize_and_gets_events_over_a_websocket(edge: Edge, stack: Stack, browser: Browser) -> None:
    """The page of a run receives its events over a websocket, which must pass through the edge."""
    sockets: list[str] = []
    with logged_in_page(browser, edge, "otto") as page:
        page.on("websocket", lambda socket: sockets.append(socket.url))
        visit(page, ASSET)
        expect(page.get_by_role("button", name="Materialize", exact=False).first).to_be_enabled(timeout=SEEN_MILLISECONDS)
        run = stack.client.wait(stack.client.launch("quick_job"))
        visit(page, f"/runs/{run.run_id}", "RUN_SUCCESS")
    assert any(url.startswith("wss://") and url.endswith("/graphql") for url in sockets)


def test_login_limits_wrong_passwords_per_address_and_blocks_no_other_user(edge: Edge) -> None:
    """After ten wrong passwords in a minute, the right one fails too. Another user who is logged in can continue."""
    assert [edge.ask("/server_info", name).status_code for name in ("gil", "vera")] == [200, 200]
    answers = [edge.ask("/server_info", "gil", f"wrong-password-{number}").status_code for number in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert edge.ask("/server_info", "gil", "the-next-wrong-one").headers["Retry-After"] == "60"
    assert [edge.ask("/server_info", name).status_code for name in ("gil", "vera")] == [429, 200]


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (("NAME=Vera", "ROLE=viewer"), "a-long-password", "user: the name 'Vera' is not allowed"),
        (("NAME=vera", "ROLE=king"), "a-long-password", "user: the role 'king' is not allowed: it must be viewer or operator"),
        (("NAME=vera", "ROLE=viewer"), "short", "user: a password has at least 12 characters and at most 72 bytes"),
        ((), "a-long-password", "user: name and role are missing: make user NAME=anna ROLE=viewer"),
    ],
)
def test_make_user_rejects_an_invalid_user_with_one_sentence(
    edge: Edge, stack: Stack, arguments: tuple, password: str, said: str
) -> None:
    """The sentence must name the rule, so that the operator can correct the command."""
    refused = stack.make("user", *arguments, text=password + "\n")
    assert refused.returncode != 0
    assert said in refused.stderr


def test_edge_gets_a_certificate_for_its_domain_from_an_acme_service(edge: Edge, stack: Stack, tmp_path: Path) -> None:
    """A company may have its own ACME service and CA. The service checks that the edge answers under the domain."""
    domain, alias = "dagster.test", tmp_path / "alias.yml"
    alias.write_text(json.dumps({"services": {"edge": {"networks": {"public": {"aliases": [domain]}}}}}))
    files = f"{stack.environ['COMPOSE_FILE']}:{alias}"
    with acme_service(tmp_path) as authority:
        settings = {"EDGE_DOMAIN": domain, "EDGE_ACME_CA": DIRECTORY, "EDGE_CA_FILE": authority, "COMPOSE_FILE": files}
        with edge_with_settings(stack, **settings):
            port = int(stack.environ["EDGE_HTTPS_PORT"])
            assert certificate_names(port, domain, authority) == (("DNS", domain),)


def test_caddyfile_is_formatted(edge: Edge, stack: Stack) -> None:
    """Caddy's formatter must change nothing, so that changes of the file stay small."""
    formatted = stack.exec("edge", "caddy", "fmt", "/etc/caddy/Caddyfile")
    assert formatted == (ROOT / "docker/edge/Caddyfile").read_text()
