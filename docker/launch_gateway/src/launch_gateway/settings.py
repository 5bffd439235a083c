"""Checks every environment variable of the gateway, and computes the values of the policy's $NAMES."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# In bytes. Docker accepts no memory limit below the first; Python itself needs the others.
LEAST = {"RUN_MEMORY": 6 * 2**20, "RUN_TMP": 2**20, "RUN_SHM": 2**20}


class SettingsError(Exception):
    """A setting is not valid; the message names the variable, its value and the allowed values."""


def _refuse(name: str, value: str, allowed: str) -> SettingsError:
    return SettingsError(f"{name} is set to '{value}', which is not allowed: it must be {allowed}.")


def size(environ: Mapping[str, str], name: str) -> int:
    """RUN_MEMORY, RUN_TMP or RUN_SHM in bytes."""
    text = environ[name]
    match = re.fullmatch(r"(\d{1,12})([bkmg]?)", text.lower())
    found = int(match[1]) * UNITS[match[2]] if match else 0
    if found < LEAST[name]:
        raise _refuse(name, text, f"a size of at least {LEAST[name] >> 20}m, such as 512m or 2g")
    return found


def tmpfs(environ: Mapping[str, str]) -> dict[str, str]:
    """Mount options of a run's two in-memory folders. Docker adds nosuid, nodev and, without `exec`, noexec."""
    limit = f"size={size(environ, 'RUN_TMP')}"
    # User 10001 of the images. User code can execute unpacked programs and libraries only in the home folder.
    return {"/tmp": limit, "/home/dagster": f"exec,{limit},uid=10001,gid=10001,mode=0700"}  # noqa: S108 - in the container


def nano_cpus(environ: Mapping[str, str]) -> int:
    """RUN_CPUS in billionths of a CPU."""
    text = environ["RUN_CPUS"]
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", text) or float(text) == 0:
        raise _refuse("RUN_CPUS", text, "a number of processors above 0, such as 1 or 0.5")
    return int(float(text) * 1e9)


def pids(environ: Mapping[str, str]) -> int:
    """RUN_PIDS, a limit of processes and threads."""
    text = environ["RUN_PIDS"]
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise _refuse("RUN_PIDS", text, "a number of processes above 0, such as 256")
    return int(text)


def containers(environ: Mapping[str, str]) -> int:
    """RUN_CONTAINERS_MAX, a limit of concurrent run containers."""
    text = environ["RUN_CONTAINERS_MAX"]
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise _refuse("RUN_CONTAINERS_MAX", text, "a number of containers from 1 to 9999, such as 50")
    return int(text)


def egress(environ: Mapping[str, str]) -> bool:
    """RUN_EGRESS: whether runs reach hosts outside of this deployment."""
    text = environ["RUN_EGRESS"]
    if text not in {"allow", "deny"}:
        raise _refuse("RUN_EGRESS", text, "allow or deny")
    return text == "allow"


def project(environ: Mapping[str, str]) -> str:
    """PROJECT, the Compose project: the prefix of its images, networks and volumes."""
    text = environ["PROJECT"]
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        raise _refuse("PROJECT", text, "the name of a Compose project")
    return text


def status_file(environ: Mapping[str, str]) -> Path | None:
    """STATUS_FILE, which the gateway keeps for Prometheus with MONITORING=1."""
    return Path(environ["STATUS_FILE"]) if environ.get("STATUS_FILE") else None


def values(environ: Mapping[str, str]) -> dict[str, Any]:
    """The values of the policy's $NAMES that all code locations share.

    Raises:
        SettingsError: a setting is not allowed.
    """
    return {"PROJECT": project(environ), "CONTAINERS": containers(environ)}


def run_values(environ: Mapping[str, str], name: str, runs: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the policy's $NAMES for runs of the code location `name`.

    `runs` is the location's `x-runs`. Where it sets no limit, that of the deployment holds.

    Raises:
        SettingsError: a setting is not allowed.
    """
    own = {f"RUN_{key.upper()}": str(value) for key, value in runs.items() if key != "volumes"}
    environ = {**environ, **own}
    prefix = project(environ)
    return {
        "PROJECT": prefix,
        "VOLUMES": [f"{prefix}_{volume}" for volume in runs["volumes"]],
        # Any tag: a queued run keeps the image of the release that launched it.
        "IMAGE": rf"^{re.escape(prefix)}/{name}:[\w][\w.-]{{0,127}}\Z",
        "RUN_NETWORK": f"{prefix}_{'runs_egress' if egress(environ) else 'runs'}",
        "MEMORY": size(environ, "RUN_MEMORY"),
        "SHM": size(environ, "RUN_SHM"),
        "TMPFS": tmpfs(environ),
        "NANO_CPUS": nano_cpus(environ),
        "PIDS": pids(environ),
    }
