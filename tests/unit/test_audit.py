"""The webserver's log says who has changed which object."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from dagster_api.client import SELECTOR
from dagster_api.queries import LAUNCH, RUN, TERMINATE
from dagster_services.webserver.audit import MAX_BODY_BYTES, acts, audited

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
def test_what_changes_something_is_told_and_what_asks_is_not(path: str, body: bytes, told: list[str]) -> None:
    """With what it is about, in one line, and without configuration."""
    assert acts(path, body) == told


def sent(app: Any, method: str, *parts: bytes, **headers: str) -> None:
    """A request whose body comes in parts."""
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts] + [{"type": "http.disconnect"}]
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/graphql", "headers": pairs}

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    asyncio.run(app(scope, receive, None))


def application(read: list[bytes], fails: Exception | None = None) -> Any:
    """Reads its request; what it has read goes to `read`."""

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (event := await receive())["type"] == "http.request":
            read.append(event["body"])
        if fails:
            raise fails

    return app


def test_every_run_that_is_terminated_at_once_is_named() -> None:
    """A list that is too long for a line says how many it has."""
    query = "mutation($ids: [String!]!) {terminateRuns(runIds: $ids) {__typename}}"
    for number, ending in ((50, '49"]'), (1000, "... (1000 in all)")):
        ids = [f"0b3f6b0e-6c0a-4e4e-9f0e-{index:012}" for index in range(number)]
        (told,) = acts("/graphql", json.dumps({"query": query, "variables": {"ids": ids}}).encode())
        assert told.endswith(ending)


def test_a_line_names_who_and_the_application_gets_all_of_the_request(caplog: pytest.LogCaptureFixture) -> None:
    """Without the edge nobody has a name, whatever they say."""
    caplog.set_level(logging.INFO, "audit")
    read: list[bytes] = []
    app, body = audited(application(read), behind_edge=True), posted(TERMINATE, runId="7")
    sent(app, "POST", body[:10], body[10:], dagster_user="otto")
    sent(app, "POST", body)
    sent(app, "GET", body)
    assert caplog.messages == ['"otto": terminateRun runId="7"', 'somebody on this machine: terminateRun runId="7"']
    assert b"".join(read) == body * 3
    sent(audited(application(read), behind_edge=False), "POST", body, dagster_user="otto")
    assert caplog.messages[2:] == ['somebody on this machine: terminateRun runId="7"']


def test_what_fails_is_told_as_well(caplog: pytest.LogCaptureFixture) -> None:
    """It may have changed something before."""
    caplog.set_level(logging.INFO, "audit")
    with pytest.raises(LookupError):
        sent(audited(application([], LookupError()), behind_edge=True), "POST", posted("mutation {x}"))
    assert caplog.messages == ["somebody on this machine: x"]


def test_a_body_beyond_measure_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    """And reaches the application all the same."""
    caplog.set_level(logging.INFO, "audit")
    read: list[bytes] = []
    sent(audited(application(read), behind_edge=True), "POST", *[b"x" * (MAX_BODY_BYTES // 2)] * 5)
    assert caplog.messages == [f"somebody on this machine: a body that is not understood, of {MAX_BODY_BYTES} bytes or more"]
    assert len(b"".join(read)) == 2.5 * MAX_BODY_BYTES


def test_websockets_and_the_server_s_own_events_pass() -> None:
    """Dagster takes no mutation through a websocket."""
    kinds: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        kinds.append(scope["type"])

    for kind in ("websocket", "lifespan"):
        asyncio.run(audited(app, behind_edge=True)({"type": kind}, None, None))
    assert kinds == ["websocket", "lifespan"]
