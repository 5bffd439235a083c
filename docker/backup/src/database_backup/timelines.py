"""The timelines of the database: each restore to a moment begins another one, and leaves the rest of the one before.

A moment means what the database held then. So the timeline of a moment is the one that was in force at that time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from database_backup.barman import HOME, Backup

FILE = HOME / "timelines.json"


@dataclass(frozen=True)
class Switch:
    """A restore: from `since` on, `timeline` is in force. It continues the one before from `moment` on."""

    since: datetime
    timeline: int
    moment: datetime


def begin(timeline: int, file: Path | None = None) -> None:
    """Remembers the timeline that was in force when the first backup was made."""
    always = datetime.min.replace(tzinfo=UTC)
    write([Switch(always, timeline, always)], file or FILE)


def timeline_at(switches: Sequence[Switch], moment: datetime) -> int:
    """Returns the timeline that was in force at a moment."""
    return max((each.timeline for each in switches if each.since <= moment), default=1)


def base_for(backups: Sequence[Backup], switches: Sequence[Switch], moment: datetime) -> Backup | None:
    """Returns the newest backup from which WAL leads to the database of that moment."""
    timeline = timeline_at(switches, moment)
    fitting = [each for each in backups if each.end <= moment and _leads_to(each, switches, timeline)]
    return max(fitting, key=lambda backup: backup.end, default=None)


def _leads_to(backup: Backup, switches: Sequence[Switch], timeline: int) -> bool:
    """Whether a backup was made before each switch that lies between its timeline and this one."""
    between = [each for each in switches if backup.timeline < each.timeline <= timeline]
    return backup.timeline <= timeline and all(backup.end <= each.moment for each in between)


def read(file: Path = FILE) -> list[Switch]:
    """Returns the restores of this database, the oldest first."""
    found = json.loads(file.read_text()) if file.exists() else []
    return [
        Switch(datetime.fromisoformat(each["since"]), each["timeline"], datetime.fromisoformat(each["moment"])) for each in found
    ]


def write(switches: Sequence[Switch], file: Path = FILE) -> None:
    """Keeps the restores of this database."""
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps([asdict(each) for each in switches], default=datetime.isoformat))
    aside.rename(file)
