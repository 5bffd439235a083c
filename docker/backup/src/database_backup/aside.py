"""Puts all backups aside. `make restore FILE=` makes another database, which cannot continue them."""

from __future__ import annotations

from datetime import UTC, datetime

from database_backup.stream import put_aside

if __name__ == "__main__":
    put_aside(datetime.now(UTC))
