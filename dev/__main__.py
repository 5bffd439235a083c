"""`make dev`: the code location without Docker.

Webserver, daemon and Postgres are processes on loopback. A folder holds their data. Ctrl-C ends them all.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dagster_api.client import Client
from dagster_api.waiting import WaitError, wait_for
from dev.processes import process
from dev.surroundings import Neighbour, surroundings
from operate.compose import ROOT
from operate.preflight import port_is_busy

FOLDER = ROOT / ".dev"
PORTS = 65536
# The code location loads in some 10 s on a small machine.
START_SECONDS = 120


def neighbours(modules: Sequence[str]) -> list[Neighbour]:
    """The function `neighbour` of each module."""
    return [importlib.import_module(module).neighbour for module in modules]


def main(arguments: list[str]) -> int:
    """Runs until it is interrupted; returns the exit status."""
    parser = argparse.ArgumentParser("dev", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where the data is kept")
    parser.add_argument("--beside", nargs="*", default=[], metavar="MODULE", help="modules whose `neighbour` runs too")
    options = parser.parse_args(arguments)
    text = os.environ.get("WEBSERVER_PORT") or "3000"
    if not (text.isdecimal() and 0 < int(text) < PORTS):
        print(f"dev: WEBSERVER_PORT is set to '{text}', which is not allowed: it must be a port, such as 3000.", file=sys.stderr)
        return 1
    port = int(text)
    if port_is_busy("127.0.0.1", port):
        print(f"dev: port {port} is in use: stop what uses it (`make down`?), or set WEBSERVER_PORT.", file=sys.stderr)
        return 1
    # Also SIGINT: a shell script ignores it for commands in the background.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        return serve(options.folder, port, neighbours(options.beside))
    except KeyboardInterrupt:
        print(f"dev: stopped; what it made is kept in {options.folder}", file=sys.stderr)
        return 0
    except WaitError as error:
        print(f"dev: {error}; see {options.folder}/dagster.log", file=sys.stderr)
        return 1


def serve(folder: Path, port: int, beside: Sequence[Neighbour]) -> int:
    """Starts everything and waits for Dagster to end."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "dagster.log"
    with surroundings(folder, beside) as environ:
        command = ["dagster", "dev", "--workspace", f"{environ['DAGSTER_HOME']}/workspace.yaml", "--port", str(port)]
        with process(command, log, env=environ, cwd=folder) as dagster:
            client = Client(f"http://127.0.0.1:{port}", "")

            def answers() -> bytes:
                if dagster.poll() is not None:
                    raise WaitError(f"Dagster has ended with exit status {dagster.returncode}")
                return client.get("/server_info")

            wait_for("an answer of the webserver", answers, seconds=START_SECONDS)
            print(f"Dagster runs: http://localhost:{port} (log in {log}, Ctrl-C ends it)", flush=True)
            return dagster.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
