"""Health check of the service `backup`: WAL is received, and the newest good backup and drill are not too old."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from croniter import croniter

from database_backup import status
from database_backup.settings import Settings
from database_backup.status import Outcome
from database_backup.work import configured

# The service looks twice a minute.
LOOKS = timedelta(minutes=5)
# What was due while the machine was off is done first. `make up` must not wait for it.
START = timedelta(minutes=30)
# A full backup of a large database takes hours.
GRACE = timedelta(hours=6)


def problems(outcomes: Mapping[str, Outcome], kept: Settings, now: datetime) -> list[str]:
    """Returns one sentence for each thing that is wrong."""
    start, wal = (outcomes.get(kind, Outcome(now, None)) for kind in ("start", "wal"))
    if start.tried < now - LOOKS and (wal.good is None or wal.good < now - LOOKS):
        return [f"no WAL was received since {wal.good}: {wal.error}"]
    if start.tried > now - START:
        return []
    late = {"full": kept.full, "drill": kept.drill}
    return [
        f"{kind}: the last good one is of {each.good}. {each.error}"
        for kind, cron in late.items()
        if is_late(each := outcomes.get(kind, Outcome(start.tried, start.tried)), cron, now)
    ]


def is_late(outcome: Outcome, cron: str, now: datetime) -> bool:
    """Whether work has failed, or its last time passed without it."""
    due = croniter(cron, now - GRACE).get_prev(datetime)
    return bool(outcome.error) or outcome.good is None or outcome.good < due


def main() -> None:
    """Exits with a sentence if something is wrong."""
    if found := problems(status.read(), configured(), datetime.now(UTC)):
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main()
