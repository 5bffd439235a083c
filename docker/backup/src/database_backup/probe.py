"""Health check of the service `backup`: WAL is received, and the newest good backup and drill are not too old.

It hangs only if it has not looked for a while: a restart does not mend a backup that fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from croniter import croniter

from database_backup import status
from database_backup.settings import Settings
from database_backup.status import Outcome
from database_backup.work import configured

# The service looks twice a minute.
HANGS = timedelta(minutes=2)
# A stream of WAL that has broken off begins again by itself.
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


def hangs(outcomes: Mapping[str, Outcome], now: datetime) -> bool:
    """Whether the service has stopped looking. It keeps each look at the WAL."""
    last = max((outcomes[kind].tried for kind in ("start", "wal") if kind in outcomes), default=now)
    return last < now - HANGS


def main() -> None:
    """Exits with a sentence if something is wrong."""
    outcomes, kept, now = status.read(), configured(), datetime.now(UTC)
    if hangs(outcomes, now):
        sys.exit(f"the service has not looked for {HANGS}")
    if found := problems(outcomes, kept, now):
        print("; ".join(found), file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    main()
