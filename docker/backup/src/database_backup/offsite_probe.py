"""Health check of the service `offsite`: the newest copy is not too old, and the last work of each kind has succeeded."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from database_backup import status
from database_backup.offsite import STATUS, interval
from database_backup.status import Outcome

# A new full backup of a large database takes hours to copy.
GRACE = timedelta(hours=6)


def problems(outcomes: Mapping[str, Outcome], every: timedelta, now: datetime) -> list[str]:
    """Returns one sentence for each thing that is wrong."""
    found = [f"{kind}: the last good one is of {each.good}: {each.error}" for kind, each in outcomes.items() if each.error]
    copied = outcomes.get("copy")
    if copied and copied.good and not copied.error and copied.good < now - max(GRACE, 3 * every):
        found.append(f"copy: the last good one is of {copied.good}")
    return found


def main() -> None:
    """Exits with a sentence if something is wrong."""
    if found := problems(status.read(STATUS), interval(), datetime.now(UTC)):
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main()
