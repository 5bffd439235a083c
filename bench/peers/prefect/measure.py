"""Prints the seconds from the request to the end of a chain, through Prefect's API."""

from __future__ import annotations

import sys
import time

from prefect.deployments import run_deployment

DEADLINE_SECONDS = 900


def seconds(chain: str) -> float:
    """The seconds that a chain takes."""
    asked = time.time()
    run = run_deployment(f"chain/{chain}", timeout=DEADLINE_SECONDS, poll_interval=0.5)
    if run.end_time is None or run.state is None or not run.state.is_completed():
        raise RuntimeError(f"{chain}: {run.state}")
    return float(run.end_time.timestamp() - asked)


if __name__ == "__main__":
    print(seconds(sys.argv[1]))
