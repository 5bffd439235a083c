"""The chains of tasks for Prefect: a deployment for each. This process executes them, each in a process of its own."""

from __future__ import annotations

from chains import CHAINS, fibonacci
from prefect import flow, serve, task


@task
def compute(n: int) -> int:
    """Computes one number."""
    return fibonacci(n)


@flow
def chain(count: int, n: int) -> None:
    """Computes one number after the other."""
    for _ in range(count):
        compute(n)


if __name__ == "__main__":
    serve(*(chain.to_deployment(name, parameters={"count": count, "n": n}) for name, (count, n) in CHAINS.items()))
