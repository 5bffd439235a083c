"""Processors and memory of this machine, for an engine that runs here. It must have no other work meanwhile."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from operate.compose import compose, run
from operate.containers import containers, service_of

MIB = {"B": 1 / 2**20, "KiB": 1 / 2**10, "MiB": 1.0, "GiB": 2.0**10}
# proc(5): user, nice and system time of all processors, and that of interrupts.
BUSY = (1, 2, 3, 6, 7)
# The kernel's count of a container, with control groups of version 2 or 1.
USED = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"


def busy_seconds() -> float:
    """Seconds that the processors of this machine have worked since its start."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return sum(int(fields[number]) for number in BUSY) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(service: str, environ: Mapping[str, str] | None = None) -> float:
    """The seconds of processor that a service has taken since its start, its health checks among them.

    Raises:
        CommandError: it does not run.
    """
    return used_seconds(compose("exec", "-T", service, "sh", "-c", USED, capture=True, env=environ))


def used_seconds(shown: str) -> float:
    """The seconds in what USED shows: nanoseconds alone, or microseconds with a name and other lines."""
    first = shown.splitlines()[0].split()
    return int(first[1]) / 1e6 if first[0] == "usage_usec" else int(first[0]) / 1e9


def shares(services: Iterable[str], seconds: float, environ: Mapping[str, str] | None = None) -> dict[str, float]:
    """The processors that each service takes on average, for so many seconds.

    Raises:
        CommandError: one does not run.
    """
    before = {name: (cpu_seconds(name, environ), time.monotonic()) for name in services}
    time.sleep(seconds)
    after = {name: (cpu_seconds(name, environ), time.monotonic()) for name in before}
    return {name: (after[name][0] - used) / (after[name][1] - at) for name, (used, at) in before.items()}


def memory(project: str) -> dict[str, float]:
    """The memory that each service takes, in MiB, as Docker shows it: without the cache of files that nobody uses."""
    names = {each["Id"]: service_of(each) for each in containers(project) if each["State"]["Running"]}
    command = ["docker", "stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemUsage}}", *names]
    shown = (line.split() for line in run(command, capture=True).splitlines())
    return {names[container]: mebibytes(used) for container, used, *_ in shown}


def mebibytes(shown: str) -> float:
    """The number of MiB in what Docker shows, such as 207.1MiB."""
    number, unit = re.fullmatch(r"([\d.]+)([KMG]?i?B)", shown).groups()  # type: ignore[union-attr]
    return float(number) * MIB[unit]
