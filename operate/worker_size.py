"""The size of workers, by the processors of this machine."""

from __future__ import annotations

from pathlib import Path

from operate.compose import run
from operate.env_file import add_to_env, settings

LEAST_WORKER_GIB = 4


def size_workers(path: Path) -> None:
    """Writes the size of workers to .env, unless it is there: two runs for each processor, because runs also wait.

    On two processors, 2 runs at a time gave 92 a minute, 4 gave 115, and 6 gave 116: docs/measurements.md.
    """
    if settings(path).get("RUN_ISOLATION") == "worker":
        processors = int(run(["docker", "info", "--format", "{{.NCPU}}"], capture=True))
        add_to_env(path, "".join(f"{name}={value}\n" for name, value in sizes(processors).items()))


def sizes(processors: int) -> dict[str, str]:
    """The settings for workers on a host with so many processors."""
    slots = 2 * processors
    memory = f"{max(slots, LEAST_WORKER_GIB)}g"
    return {"WORKER_CPUS": str(processors), "WORKER_CONCURRENCY": str(slots), "WORKER_MEMORY": memory}
