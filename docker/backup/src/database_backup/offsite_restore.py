"""`make restore OFFSITE=latest`: fills empty volumes from the repository. Everything is stopped."""

from __future__ import annotations

import sys

from database_backup import repository
from database_backup.barman import BarmanError


def main(work: str, copied: str = "latest") -> None:
    """Checks that a copy is there and fits (`look`), or restores it (`fill`). Exits with a sentence if that is not possible."""
    repository.read_credentials()
    try:
        if work == "look":
            repository.check_fits(copied)
        else:
            print(repository.bring_back(copied))
    except (BarmanError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
