"""What the monitor finds beside database and webserver: the disk, outcomes of backups, and what the gateway knows."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

# Of a volume, which is on the disk of all volumes.
DISK = Path("/var/lib/dagster/monitor")
# BACKUP=1 mounts it: docker/backup/src/database_backup/status.py writes it.
BACKUPS = Path("/run/backup/status.json")

# The gateway writes it with MONITORING=1: docker/launch_gateway/src/launch_gateway/status.py.
GATEWAY = Path("/run/launch_gateway/status.json")


@dataclass(frozen=True)
class Service:
    """A service of the deployment: how often Docker has restarted it, and whether it is healthy."""

    restarts: int
    is_healthy: bool


@dataclass(frozen=True)
class Engine:
    """All that the gateway knows: services by name, and requests by the name of the call and the verdict."""

    services: dict[str, Service] = field(default_factory=dict)
    requests: dict[tuple[str, str], int] = field(default_factory=dict)


def disk(folder: Path = DISK) -> tuple[int, int]:
    """The free bytes of the disk that holds a folder, and all its bytes.

    Raises:
        OSError: there is no such folder.
    """
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def backups(file: Path = BACKUPS) -> dict[str, float]:
    """When each kind of backup was last good, in seconds since 1970; none without BACKUP=1."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return {kind: datetime.fromisoformat(each["good"]).timestamp() for kind, each in found.items() if each["good"]}


def engine(file: Path = GATEWAY) -> Engine:
    """The gateway's last file; empty before the first one, and without MONITORING=1."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return Engine()
    services = {name: Service(**each) for name, each in found["services"].items()}
    return Engine(services, {(call, verdict): number for call, verdict, number in found["requests"]})
