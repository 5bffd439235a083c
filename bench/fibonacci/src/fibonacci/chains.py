"""The work: forty light tasks and ten heavy ones, each after the one before.

Windmill publishes the same work for other orchestrators: https://www.windmill.dev/docs/misc/benchmarks/competitors
"""

from __future__ import annotations

from collections.abc import Mapping

# The number of tasks, and the number whose Fibonacci number each computes.
CHAINS: Mapping[str, tuple[int, int]] = {"forty_light": (40, 10), "ten_heavy": (10, 33)}


def fibonacci(n: int) -> int:
    """The n-th Fibonacci number, in the slow way."""
    return n if n <= 1 else fibonacci(n - 1) + fibonacci(n - 2)
