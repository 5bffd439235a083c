"""`python3 -m bench.peers`: the chains of bench/fibonacci in other orchestrators, on this machine: docs/measurements.md."""

from __future__ import annotations

import statistics
import sys
from functools import partial

from dagster_api.waiting import NotYetError, wait_for
from operate.compose import CommandError, run

# The services of each, and the one that can measure.
PEERS = {"airflow": ("airflow",), "prefect": ("prefect", "prefect_runs")}
COMPOSE = ("docker", "compose", "--progress", "quiet", "--file", "bench/peers/compose.yml")
# Their names in bench/fibonacci.
CHAINS = ("forty_light", "ten_heavy")
REPEATS = 3


def seconds(name: str, chain: str) -> float:
    """The seconds of one run of a chain."""
    return float(run([*COMPOSE, "exec", "-T", name, "python", "measure.py", chain], capture=True).split()[-1])


def first(name: str, chain: str) -> float:
    """The same, as soon as the orchestrator knows the chain."""
    try:
        return seconds(name, chain)
    except CommandError as error:
        raise NotYetError(str(error)[-500:]) from error


def measure(name: str) -> None:
    """Starts an orchestrator, prints its medians, and removes it with its data."""
    try:
        run([*COMPOSE, "up", "--detach", "--wait", "--build", "postgres"], capture=True)
        run([*COMPOSE, "up", "--detach", "--build", *PEERS[name]], capture=True)
        for chain in CHAINS:
            wait_for(f"the first run of {chain}", partial(first, name, chain), seconds=600, every=5)
            measured = [seconds(name, chain) for _ in range(REPEATS)]
            print(
                f"{name:<10}{chain:<14}{statistics.median(measured):>8.2f}{min(measured):>8.2f}-{max(measured):.2f}", flush=True
            )
    finally:
        run([*COMPOSE, "down", "--volumes", "--remove-orphans"], capture=True)


def main(names: list[str]) -> None:
    """Measures the peers that are named, or all."""
    for name in names or PEERS:
        measure(name)


if __name__ == "__main__":
    main(sys.argv[1:])
