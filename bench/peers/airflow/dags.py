"""The chains of tasks for Airflow: a DAG for each."""

from __future__ import annotations

from itertools import pairwise

from airflow.sdk import DAG, task
from chains import CHAINS, fibonacci


@task
def compute(n: int) -> int:
    """Computes one number."""
    return fibonacci(n)


def chain(name: str, count: int, n: int) -> DAG:
    """A DAG of tasks, each of which waits for the one before."""
    with DAG(name, schedule=None) as dag:
        tasks = [compute.override(task_id=f"task_{number:02}")(n) for number in range(count)]
        for before, after in pairwise(tasks):
            before >> after
    return dag


for name, size in CHAINS.items():
    globals()[name] = chain(name, *size)
