"""Processors and memory of this machine, for an engine that runs here. It must have no other work meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from operate.compose import run
from operate.containers import containers, service_of

# proc(5): user, nice and system time of all processors, and that of interrupts.
BUSY = (1, 2, 3, 6, 7)


def busy_seconds() -> float:
    """Seconds that the processors of this machine have worked since its start."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return sum(int(fields[number]) for number in BUSY) / os.sysconf("SC_CLK_TCK")


def memory_of_workers(project: str) -> dict[str, str]:
    """The memory that each worker takes, as Docker shows it."""
    workers = {each["Id"]: service_of(each) for each in containers(project) if service_of(each).endswith("_worker")}
    command = ["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}"]
    return {name: run([*command, each], capture=True).strip() for each, name in workers.items()}
