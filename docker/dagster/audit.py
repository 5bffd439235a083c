"""Who has changed what: a line in the webserver's log for every mutation and every report that it is sent.

The name is the one that the edge has put on the request (`Dagster-User`); without the edge there is none that could be trusted.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

# What says of an act which one it was; nothing of a run's configuration, which may hold what nobody should read in a log.
TELLING = {"jobName", "pipelineName", "runId", "parentRunId", "runIds", "scheduleName", "sensorName", "backfillId", "path"}
MAX_BODY_BYTES = 1_000_000
MAX_VALUE_CHARACTERS = 200
logger = logging.getLogger("audit")


def _mutations(query: str) -> Iterator[str]:
    definitions = parse(query).definitions
    fragments = {node.name.value: node.selection_set for node in definitions if isinstance(node, FragmentDefinitionNode)}
    for node in definitions:
        if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.MUTATION:
            yield from _fields(node.selection_set, fragments)


def _fields(selected: SelectionSetNode, fragments: Mapping[str, SelectionSetNode]) -> Iterator[str]:
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(fragments[node.name.value], fragments)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments)


def _told(variables: Any) -> Iterator[str]:
    """What is telling, wherever it is nested."""
    if isinstance(variables, dict):
        for name, value in variables.items():
            if name in TELLING:
                yield f"{name}={json.dumps(value)[:MAX_VALUE_CHARACTERS]}"
            elif name != "runConfigData":
                yield from _told(value)
    elif isinstance(variables, list):
        for value in variables:
            yield from _told(value)


def acts(path: str, body: bytes) -> list[str]:
    """What a POST of this body does, one text each; none where it only asks."""
    if "/report_" in path:
        return [f"POST {json.dumps(path[:MAX_VALUE_CHARACTERS])}"]
    if not path.rstrip().endswith("/graphql"):
        return []
    try:
        request = json.loads(body)
        return [" ".join((mutation, *_told(request.get("variables")))) for mutation in _mutations(request["query"])]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, GraphQLError):
        return [f"a body that is not understood, of {len(body)} bytes or more"]


def tell() -> None:
    """Makes the lines appear: Dagster leaves all loggers but its own silent."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s audit - %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def audited(app: App) -> App:
    """An ASGI application that writes down what the requests to `app` do, whatever becomes of them."""

    async def audit(scope: Scope, receive: Any, send: Any) -> None:
        body = bytearray()

        async def listening() -> Any:
            event = await receive()
            if event["type"] == "http.request" and len(body) < MAX_BODY_BYTES:
                body.extend(event.get("body", b""))
            return event

        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await app(scope, receive, send)
            return
        try:
            await app(scope, listening, send)
        finally:
            name = dict(scope["headers"]).get(b"dagster-user", b"").decode("latin-1")
            for act in acts(scope["path"], bytes(body)):
                logger.info("%s: %s", json.dumps(name) if name else "somebody on this machine", act)

    return audit
