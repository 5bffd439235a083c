"""What the monitor finds beside database and webserver: the disk, and the outcomes of backups."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

# Of a volume, which is on the disk of all volumes.
DISK = Path("/var/lib/dagster/monitor")
# BACKUP=1 mounts it: docker/backup/src/database_backup/status.py writes it.
BACKUPS = Path("/run/backup/status.json")


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
