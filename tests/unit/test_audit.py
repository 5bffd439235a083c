"""The audit log of the webserver says which user changed which object."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from dagster_api.queries import LAUNCH, RUN, TERMINATE
from dagster_services.webserver.audit import MAX_BODY_BYTES, acts, audited
from tests.selector import SELECTOR

PARAMS = {"selector": {**SELECTOR, "jobName": "quick_job"}, "runConfigData": {"path": "secret"}}

MORE = "and 1 more in the same request: 1 "
DOUBTFUL = "a body that is not understood, of"


def posted(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/graphql", posted(LAUNCH, params=PARAMS), ['launchRun jobName="quick_job"']),
        ("/graphql\n", posted(TERMINATE, runId="x\ny"), ['terminateRun runId="x\\ny"']),
        ("/graphql", posted('mutation { a: terminateRun(runId: "x") {x} b {x} }'), ['terminateRun runId="x"', "b"]),
        ("/graphql", posted('mutation { a(p: {jobName: "j", runConfigData: {path: "secret"}}) {x} }'), ['a jobName="j"']),
        ("/graphql", posted("mutation($id: ID!) {stopSensor(id: $id) {x}}", id="7"), ['stopSensor id="7"']),
        ("/graphql", posted(RUN, runId="x"), []),
        ("/graphql", posted("query mutation {x}"), []),
        ("/graphql", posted("query A {x} mutation B {y {z}}"), ["y"]),
        ("/graphql", posted("mutation {...F ... on Mutation {b}} fragment F on Mutation {a}"), ["a", "b"]),
        ("/graphql", posted("mutation {...F} fragment F on Mutation {...F ...F a}"), ["a"]),
        ("/graphql", posted("mutation {" + "a " * 20 + "}"), ["a"] * 20),
        ("/graphql", posted("mutation {" + "a " * 21 + "}"), [*["a"] * 20, "and 1 more in the same request: 1 a"]),
        (
            "/graphql",
            posted("mutation {" + "a " * 98 + "x: launchRun {y} z: launchRun {y}}"),
            [*["a"] * 20, "and 80 more in the same request: 78 a, 2 launchRun"],
        ),
        ("/graphql", posted("mutation {" + "a " * 20 + "b" * 9999 + "}"), [*["a"] * 20, f"{MORE}{'b' * (2000 - len(MORE))}"]),
        ("/graphql", b'{"query": "mutation($r: ID) {a(runId: $r)}", "variables": "{\\"r\\": 3}"}', ["a runId=3"]),
        ("/graphql", b"mutation {x}", ["x"]),
        ("/graphql", b"query=mutation{x}", [f"{DOUBTFUL} 17 bytes or more"]),
        ("/graphql", b"[]", [f"{DOUBTFUL} 2 bytes or more"]),
        ("/graphql", b"\xff", [f"{DOUBTFUL} 1 bytes or more"]),
        ("/graphql", posted("mutation {"), [f"{DOUBTFUL} 40 bytes or more"]),
        ("/graphql", posted("mutation {x} #" + "#" * 50_000), [f"{DOUBTFUL} 50044 bytes or more"]),
        ("/report_asset_materialization/a\nb", b"{}", ['POST "/report_asset_materialization/a\\nb"']),
        ("/other", b"{}", []),
    ],
)
def test_audit_log_names_every_mutation_and_no_query(path: str, body: bytes, told: list[str]) -> None:
    """An operator must see who changed which object. A line omits the configuration, which may hold secrets."""
    assert acts(path, body) == told


def send_request(app: Any, method: str, *parts: bytes, **headers: str) -> None:
    """Sends a request whose body arrives in parts."""
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts] + [{"type": "http.disconnect"}]
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/graphql", "headers": pairs}

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    asyncio.run(app(scope, receive, None))


def application(read: list[bytes], fails: Exception | None = None) -> Any:
    """Returns an application that appends the parts of the body to `read`, and then raises `fails`."""

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (event := await receive())["type"] == "http.request":
            read.append(event["body"])
        if fails:
            raise fails

    return app


def test_audit_log_names_or_counts_the_runs_of_one_terminate_request() -> None:
    """The UI terminates many runs in one request. A list that is too long for a line ends with its length."""
    query = "mutation($ids: [String!]!) {terminateRuns(runIds: $ids) {__typename}}"
    for number, ending in ((50, '49"]'), (1000, "... (1000 in all)")):
        ids = [f"0b3f6b0e-6c0a-4e4e-9f0e-{index:012}" for index in range(number)]
        (told,) = acts("/graphql", json.dumps({"query": query, "variables": {"ids": ids}}).encode())
        assert told.endswith(ending)


def test_audit_log_names_the_user_whom_the_edge_authenticated(caplog: pytest.LogCaptureFixture) -> None:
    """Without the edge, every client can send any name. The application must still read the whole request."""
    caplog.set_level(logging.INFO, "audit")
    read: list[bytes] = []
    app, body = audited(application(read), behind_edge=True), posted(TERMINATE, runId="7")
    send_request(app, "POST", body[:10], body[10:], dagster_user="otto")
    send_request(app, "POST", body)
    send_request(app, "GET", body)
    assert caplog.messages == ['"otto": terminateRun runId="7"', 'somebody on this machine: terminateRun runId="7"']
    assert b"".join(read) == body * 3
    send_request(audited(application(read), behind_edge=False), "POST", body, dagster_user="otto")
    assert caplog.messages[2:] == ['somebody on this machine: terminateRun runId="7"']


def test_audit_log_names_a_mutation_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """The request may have changed something before it failed."""
    caplog.set_level(logging.INFO, "audit")
    with pytest.raises(LookupError):
        send_request(audited(application([], LookupError()), behind_edge=True), "POST", posted("mutation {x}"))
    assert caplog.messages == ["somebody on this machine: x"]


def test_audit_log_stores_no_body_above_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    """The limit protects the memory of the webserver. The application still reads the whole body."""
    caplog.set_level(logging.INFO, "audit")
    read: list[bytes] = []
    send_request(audited(application(read), behind_edge=True), "POST", *[b"x" * (MAX_BODY_BYTES // 2)] * 5)
    assert caplog.messages == [f"somebody on this machine: a body that is not understood, of {MAX_BODY_BYTES} bytes or more"]
    assert len(b"".join(read)) == 2.5 * MAX_BODY_BYTES


def test_audit_passes_websockets_and_server_events() -> None:
    """Dagster accepts no mutation through a websocket, so the audit log needs no line for it."""
    kinds: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        kinds.append(scope["type"])

    for kind in ("websocket", "lifespan"):
        asyncio.run(audited(app, behind_edge=True)({"type": kind}, None, None))
    assert kinds == ["websocket", "lifespan"]
