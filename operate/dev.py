"""`make dev`: the code location without Docker. Webserver, daemon, source system and Postgres as processes; Ctrl-C ends all."""

from __future__ import annotations

import os
import signal
import sys

from operate.compose import ROOT
from operate.graphql import Client, WaitError, wait_for
from operate.local import process, surroundings
from operate.preflight import port_is_busy

FOLDER = ROOT / ".dev"
# The code location takes some 10 s to load on a small machine.
START_SECONDS = 120


def main() -> int:
    """Runs until it is interrupted; returns the exit status."""
    port = int(os.environ.get("WEBSERVER_PORT") or 3000)
    if port_is_busy("127.0.0.1", port):
        print(f"dev: port {port} is in use: stop what uses it (`make down`?), or set WEBSERVER_PORT.", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return serve(port)
    except KeyboardInterrupt:
        print("dev: stopped; what it made is kept in .dev/", file=sys.stderr)
        return 0
    except WaitError as error:
        print(f"dev: {error}; see .dev/dagster.log", file=sys.stderr)
        return 1


def serve(port: int) -> int:
    """Starts everything and waits for Dagster to end."""
    FOLDER.mkdir(exist_ok=True)
    log = FOLDER / "dagster.log"
    with surroundings(FOLDER) as environ:
        command = ["dagster", "dev", "--module-name", "user_code.definitions", "--port", str(port)]
        with process(command, log, env=environ, cwd=FOLDER) as dagster:
            client = Client(f"http://127.0.0.1:{port}")
            wait_for("an answer of the webserver", lambda: client.get("/server_info"), seconds=START_SECONDS)
            print(f"Dagster runs: http://localhost:{port} (log in .dev/dagster.log, Ctrl-C ends it)", flush=True)
            return dagster.wait()


if __name__ == "__main__":
    sys.exit(main())
