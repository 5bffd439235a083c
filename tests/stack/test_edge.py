"""EDGE=1 demands a login: viewers look, operators run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from dagster_api.client import SELECTOR
from dagster_api.waiting import wait_for
from operate.compose import ROOT, webserver_url
from tests.stack.acme import DIRECTORY, acme_service
from tests.stack.browser import SEEN_MILLISECONDS, visit
from tests.stack.conftest import Stack
from tests.stack.edge import HEADERS, Edge, edge_in_front, edge_started_again, loaded, logged_in, names_of_the_certificate

pytestmark = pytest.mark.timeout(300)
# The users of this copy, which lives as long as the test.
PASSWORDS = {"vera": "looks-and-sees-7", "otto": "runs-and-stops-8", "gil": "is-guessed-at-9"}


@pytest.fixture(scope="module")
def edge(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Returns the copy with the edge in front, and three users."""
    with edge_in_front(stack, tmp_path_factory.mktemp("edge")) as edge:
        edge.passwords = PASSWORDS
        for name, role in (("vera", "viewer"), ("otto", "operator"), ("gil", "viewer")):
            made = stack.make("user", f"NAME={name}", f"ROLE={role}", text=PASSWORDS[name] + "\n")
            assert (made.returncode, made.stdout) == (0, f"user: {name} is {role} now\n"), made.stderr
        stack.url = webserver_url(stack.environ)
        wait_for("the code location for viewers", lambda: loaded(edge), seconds=60)
        yield edge


def test_without_a_login_there_is_nothing_but_the_login(edge: Edge, stack: Stack) -> None:
    """The edge serves no page, API, report or file of the UI, and no other port is published."""
    for path in ("/", "/graphql", "/server_info", "/report_asset_materialization/x", "/main.js"):
        answer = edge.ask(path)
        assert (answer.status_code, answer.text) == (401, "Log in to use Dagster.\n"), path
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Dagster", charset="UTF-8"'
    assert edge.ask("/server_info", **{"Dagster-Role": "operator", "Dagster-User": "otto"}).status_code == 401
    published = stack.compose("ps", "--format", "{{.Service}} {{.Ports}}")
    assert [line.split()[0] for line in published.splitlines() if "->" in line] == ["edge"]


def test_plain_http_leads_to_tls(edge: Edge, stack: Stack) -> None:
    """Plain HTTP must serve nothing else."""
    url = f"http://127.0.0.1:{stack.environ['EDGE_HTTP_PORT']}/x"
    answer = requests.get(url, headers={"Host": "localhost"}, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://localhost/x")


def test_a_viewer_looks_and_changes_nothing(edge: Edge) -> None:
    """A viewer cannot use GraphQL, the REST endpoints, or another person's name to change anything."""
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


def test_a_page_elsewhere_cannot_use_the_login(edge: Edge) -> None:
    """Dagster takes mutations from anywhere, in a GET too. A browser says where a request comes from."""
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


def test_requests_are_bounded(edge: Edge) -> None:
    """The edge limits body and head; smaller requests reach the webserver. Debian's Caddy 2.6 answers a large body with 502."""
    assert edge.ask("/graphql", "otto", body={"query": "x" * 9_000_000}).status_code == 400
    assert edge.ask("/graphql", "otto", body={"query": "x" * 11_000_000}).status_code in {413, 502}
    assert edge.ask("/server_info", "otto", **{"X-Long": "x" * 40_000}).status_code == 431


def test_an_operator_runs(edge: Edge, stack: Stack) -> None:
    """Operators work as without the edge, except that the log names them."""
    assert edge.launch("otto")["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert 'audit - "otto": launchRun jobName="quick_job"' in stack.compose("logs", "--no-log-prefix", "webserver")
    answer = edge.ask("/report_asset_materialization/greeting", "otto", body={})
    assert (answer.status_code, answer.json()) == (200, {})


def test_nobody_hides_from_the_log(edge: Edge, stack: Stack) -> None:
    """A header that makes Caddy drop the name, or twenty other mutations in the same request, must not hide a user."""
    hidden = " ".join(f'a{number}: terminateRun(runId: "hidden-{number}") {{__typename}}' for number in range(22))
    taken = {"Connection": "close, Dagster-User, Dagster-Role"}
    assert edge.ask("/graphql", "otto", body={"query": f"mutation {{{hidden}}}"}, **taken).status_code == 200
    log = stack.compose("logs", "--no-log-prefix", "webserver")
    for told in ('terminateRun runId="hidden-19"', "and 2 more in the same request: 2 terminateRun"):
        assert f'audit - "otto": {told}\n' in log, told


def test_a_viewer_runs_no_code(edge: Edge) -> None:
    """A dry run or a question for a future tick would run code; tests/integration/test_viewers.py has all mutations."""
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


def test_smoke_finds_the_webserver_behind_the_edge(edge: Edge, stack: Stack) -> None:
    """An operator on this machine needs no password for it."""
    stack.schedules(running=True)
    assert {line.split()[0] for line in stack.make("smoke").stdout.splitlines()} == {"PASS"}
    stack.schedules(running=False)


ASSET = "/assets/greeting"


def test_a_viewer_has_no_button_to_materialize(edge: Edge) -> None:
    """The button is there, and does nothing."""
    with logged_in(edge, "vera") as page:
        visit(page, ASSET)
        button = page.get_by_role("button", name="Materialize", exact=False).first
        expect(button).to_be_disabled(timeout=SEEN_MILLISECONDS)


def test_an_operator_materializes_and_sees_the_events_arrive(edge: Edge, stack: Stack) -> None:
    """A websocket sends the events to the page of a run."""
    sockets: list[str] = []
    with logged_in(edge, "otto") as page:
        page.on("websocket", lambda socket: sockets.append(socket.url))
        visit(page, ASSET)
        expect(page.get_by_role("button", name="Materialize", exact=False).first).to_be_enabled(timeout=SEEN_MILLISECONDS)
        run = stack.client.wait(stack.client.launch("quick_job"))
        visit(page, f"/runs/{run.run_id}")
        expect(page.get_by_text("RUN_SUCCESS").first).to_be_visible(timeout=SEEN_MILLISECONDS)
    assert any(url.startswith("wss://") and url.endswith("/graphql") for url in sockets)


def test_who_guesses_is_kept_waiting_and_nobody_else(edge: Edge) -> None:
    """After ten wrong passwords a minute from an address, the right one fails too; logged-in users continue."""
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
def test_a_user_that_cannot_be_is_one_sentence(edge: Edge, stack: Stack, arguments: tuple, password: str, said: str) -> None:
    """The file stays as it was."""
    refused = stack.make("user", *arguments, text=password + "\n")
    assert refused.returncode != 0
    assert said in refused.stderr


def test_a_domain_gets_its_certificate_from_an_acme_service(edge: Edge, stack: Stack, tmp_path: Path) -> None:
    """The service runs inside a company, and a file here holds its CA. The edge has answered it under its name."""
    domain, alias = "dagster.test", tmp_path / "alias.yml"
    alias.write_text(json.dumps({"services": {"edge": {"networks": {"public": {"aliases": [domain]}}}}}))
    files = f"{stack.environ['COMPOSE_FILE']}:{alias}"
    with acme_service(tmp_path) as authority:
        settings = {"EDGE_DOMAIN": domain, "EDGE_ACME_CA": DIRECTORY, "EDGE_CA_FILE": authority, "COMPOSE_FILE": files}
        with edge_started_again(stack, **settings):
            port = int(stack.environ["EDGE_HTTPS_PORT"])
            assert names_of_the_certificate(port, domain, authority) == (("DNS", domain),)


def test_the_caddyfile_is_formatted(edge: Edge, stack: Stack) -> None:
    """Caddy's own formatter changes nothing."""
    formatted = stack.compose("exec", "-T", "edge", "caddy", "fmt", "/etc/caddy/Caddyfile")
    assert formatted == (ROOT / "docker/edge/Caddyfile").read_text()
