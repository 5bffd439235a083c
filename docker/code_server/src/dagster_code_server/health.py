"""Asks the code server: has it loaded the code location, and can user code log in to its databases?

It hangs only if it does not answer: code that does not load and a database that is away are faults elsewhere.

`dagster api grpc-health-check` succeeds without loaded code, and costs a second of CPU. This probe asks for the
repositories over Dagster's own gRPC service, without importing Dagster.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import grpc

from dagster_code_server.address import server
from dagster_code_server.database import of_dagster, refusal

MEND = "`docker compose start roles` sets right a role that user code has changed."


def elsewhere(reason: str) -> NoReturn:
    """Ends with a reason that a restart of this server would not mend: docker/bin/restart_if_hung."""
    print(reason, file=sys.stderr)
    sys.exit(os.EX_TEMPFAIL)


def check_code() -> None:
    """Ends with the reason if the server does not answer, or the code location does not load."""
    try:
        reply = repositories()
    except grpc.RpcError as error:
        sys.exit(f"the code server does not answer: {error.code().name}")
    if b'"ListRepositoriesResponse"' not in reply:
        elsewhere(f"the code location does not load: {cause(reply)}")


def repositories() -> bytes:
    """The server's answer about its repositories.

    Raises:
        grpc.RpcError: there is none.
    """
    host, port = server(os.environ)
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        reply: bytes = channel.unary_unary("/api.DagsterApi/ListRepositories")(b"", timeout=12)
    return reply


def cause(reply: bytes) -> str:
    """The message of user code's error: Dagster wraps it in errors of its own."""
    error = json.loads(reply[reply.index(b'{"__class__"') :])
    while error["cause"]:
        error = error["cause"]
    return str(error["message"]).strip()


def check_login(role: str, database: str, host: str, port: str) -> None:
    """Ends with the reason if a role's query fails."""
    if reason := refusal(role, database, host, port):
        elsewhere(f"{role} cannot use the database {database}: {reason} {MEND}")


def check(environ: Mapping[str, str]) -> None:
    """Ends with the reason if the server is not healthy."""
    check_code()
    check_login(*of_dagster(environ))
    if host := environ.get("WAREHOUSE_HOST"):
        check_login("warehouse", "warehouse", host, environ.get("WAREHOUSE_PORT", "5432"))
