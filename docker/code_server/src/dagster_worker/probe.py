"""Health of a worker that is silent. A worker that waits for the broker or finishes its last runs does not hang."""

from __future__ import annotations

import os
import sys

import redis

from dagster_deployment.broker import Broker
from dagster_worker.leftovers import ENDING


def excuse() -> str | None:
    """Returns the reason why the worker may be silent, or None if it hangs."""
    if ENDING.exists():
        return "it finishes its last runs"
    try:
        Broker.from_environment(os.environ).client().ping()
    except redis.RedisError as error:
        return f"the broker does not answer: {error}"
    return None


def main() -> None:
    """Ends with the reason: docker/bin/restart_if_hung."""
    if reason := excuse():
        print(reason, file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    sys.exit("the worker has been silent for more than half a minute")


if __name__ == "__main__":
    main()
