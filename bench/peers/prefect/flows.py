"""The chains of tasks for Prefect: a flow for each. This process executes them, each in a process of its own."""

from __future__ import annotations

from prefect import flow, serve, task
from work import CHAINS, fibonacci


@task
def compute(n: int) -> int:
    """Computes one number."""
    return fibonacci(n)


@flow
def forty_light() -> None:
    """Forty light tasks."""
    count, n = CHAINS["forty_light"]
    for _ in range(count):
        compute(n)


@flow
def ten_heavy() -> None:
    """Ten heavy tasks."""
    count, n = CHAINS["ten_heavy"]
    for _ in range(count):
        compute(n)


if __name__ == "__main__":
    serve(*(each.to_deployment("bench") for each in (forty_light, ten_heavy)))
