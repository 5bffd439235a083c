"""The database after a restore: its roles, and runs that it believes to be in progress."""

from __future__ import annotations

import sys

from operate.compose import QUIET, compose

PROGRAM = "python -m dagster_services.database.migrate >&2 && python -m dagster_services.database.interrupted_runs"


def start_database() -> None:
    """Starts Postgres, and sets its roles right.

    Raises:
        CommandError: it does not start.
    """
    compose(*QUIET, "up", "--detach", "--wait", "postgres")
    compose(*QUIET, "run", "--rm", "--no-deps", "-T", "roles")


def fail_interrupted_runs() -> None:
    """Fails the runs that were in progress. Before that `migrate` sets the rights that a dump does not hold.

    Raises:
        CommandError: the database does not answer.
    """
    ended = compose(*QUIET, "run", "--rm", "-T", "migrate", "sh", "-c", PROGRAM, capture=True).split()[-1]
    print(f"restore: {ended} runs were in progress then, and are failed", file=sys.stderr)
