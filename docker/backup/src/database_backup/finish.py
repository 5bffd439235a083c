"""Ends the WAL file that is being written, so that all of it is in the archive. Postgres runs."""

from __future__ import annotations

import sys

from database_backup.barman import SERVER, BarmanError, barman
from database_backup.live import ask, system_identifier
from database_backup.stream import check_identity
from database_backup.work import configured

SECONDS = "30"


def main() -> None:
    """Exits with a sentence if WAL does not arrive."""
    configured()
    try:
        check_identity(system_identifier())
        # A target time is reached at a commit that is later. An idle database has none.
        ask("SELECT pg_current_xact_id()")
        barman("switch-wal", "--force", "--archive", "--archive-timeout", SECONDS, SERVER)
    except BarmanError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
