"""The audit log: the webserver logs a line for every mutation and every report that it receives.

The edge puts the user's name on the request (`Dagster-User`). Without the edge there is no name that could be trusted.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    parse,
    value_from_ast_untyped,
)

from dagster_services.webserver.same_origin import READING, App, Scope, is_graphql

# Arguments that identify an act. A run's configuration is not among them: it may hold secrets.
TELLING = {
    "jobName", "pipelineName", "partitionSetName", "runId", "parentRunId", "runIds", "scheduleName", "sensorName", "backfillId",
    "path", "id",
}  # fmt: skip
CONFIGURATION = "runConfigData"
# Limits of one request's cost for the log and for the event loop, which parses it. A launch by the UI is far below.
MAX_BODY_BYTES = 1_000_000
MAX_QUERY_CHARACTERS = 50_000
MAX_VALUE_CHARACTERS = 200
# Enough for two hundred run ids.
MAX_LIST_CHARACTERS = 8_000
MAX_ACTS = 20
# Enough for the name of every mutation that Dagster has: 41, of 834 characters.
MAX_SUMMARY_CHARACTERS = 2000
logger = logging.getLogger("audit")


def _mutations(document: DocumentNode) -> Iterator[FieldNode]:
    """The top-level fields of mutations; those of a fragment once, however often it is spread."""
    fragments = {node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    waiting = [node.selection_set for node in operations if node.operation is OperationType.MUTATION]
    while waiting:
        for node in waiting.pop(0).selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and (spread := fragments.pop(node.name.value, None)):
                waiting.append(spread)


def _shown(value: Any) -> str:
    """A value, cut to the length of a line; a cut value says so, and a cut list gives its length."""
    text = json.dumps(value, default=str)
    most = MAX_LIST_CHARACTERS if isinstance(value, list) else MAX_VALUE_CHARACTERS
    rest = f"... ({len(value)} in all)" if isinstance(value, list) else "..."
    return text if len(text) <= most else text[:most] + rest


def _told(given: Any) -> Iterator[str]:
    """The arguments that identify an act, at any depth."""
    if isinstance(given, dict):
        for name, value in given.items():
            if name in TELLING:
                yield f"{name}={_shown(value)}"
            elif name != CONFIGURATION:
                yield from _told(value)
    elif isinstance(given, list):
        for value in given:
            yield from _told(value)


def _request(body: bytes) -> tuple[str, dict[str, Any]]:
    """Query and variables, which may be JSON in JSON. A body that is not JSON is a query, as in `application/graphql`."""
    try:
        request = json.loads(body)
    except ValueError:
        return body.decode(), {}
    variables = request.get("variables") or {}
    return request["query"], json.loads(variables) if isinstance(variables, str) else variables


def _graphql(body: bytes) -> list[str]:
    if len(body) >= MAX_BODY_BYTES:
        raise ValueError("there is more of it")
    query, variables = _request(body)
    if "mutation" not in query:
        return []
    if len(query) > MAX_QUERY_CHARACTERS:
        raise ValueError(f"a query of {len(query)} characters")
    mutations = _mutations(parse(query))
    fields = list(islice(mutations, MAX_ACTS))
    given = ({item.name.value: value_from_ast_untyped(item.value, variables) for item in field.arguments} for field in fields)
    told = [" ".join((field.name.value, *_told(arguments))) for field, arguments in zip(fields, given, strict=True)]
    return [*told, *_summary(Counter(field.name.value for field in mutations))]


def _summary(more: Counter[str]) -> Iterator[str]:
    """The names of the acts beyond the first twenty, so that nobody can hide one behind twenty others."""
    if more:
        names = ", ".join(f"{number} {name}" for name, number in more.items())
        yield f"and {more.total()} more in the same request: {names}"[:MAX_SUMMARY_CHARACTERS]


def acts(path: str, body: bytes) -> list[str]:
    """One text for each act of a POST with this body, and one for all beyond 20; none for a query."""
    if "/report_" in path:
        return [f"POST {json.dumps(path[:MAX_VALUE_CHARACTERS])}"]
    if not is_graphql(path):
        return []
    try:
        return _graphql(body)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, GraphQLError):
        return [f"a body that is not understood, of {len(body)} bytes or more"]


def tell() -> None:
    """Enables the audit lines: Dagster silences all loggers but its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s audit - %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def audited(app: App, *, behind_edge: bool) -> App:
    """An ASGI application that logs the acts of requests to `app`, whether they succeed or fail."""

    async def audit(scope: Scope, receive: Any, send: Any) -> None:
        body = bytearray()

        async def listening() -> Any:
            event = await receive()
            if event["type"] == "http.request" and len(body) < MAX_BODY_BYTES:
                body.extend(event.get("body", b""))
            return event

        if scope["type"] != "http" or scope["method"] in READING:
            await app(scope, receive, send)
            return
        try:
            await app(scope, listening, send)
        finally:
            name = dict(scope["headers"]).get(b"dagster-user", b"").decode("latin-1") if behind_edge else ""
            for act in acts(scope["path"], bytes(body)):
                logger.info("%s: %s", json.dumps(name[:MAX_VALUE_CHARACTERS]) if name else "somebody on this machine", act)

    return audit
