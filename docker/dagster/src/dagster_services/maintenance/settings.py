"""The settings of the service `maintenance`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from croniter import croniter

MOST_DAYS = 36_500


class SettingError(Exception):
    """A setting is not allowed; the message names it and says what is."""


@dataclass(frozen=True)
class Settings:
    """What is kept for how long, and when the rest is removed."""

    age: timedelta
    cron: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Reads RETENTION_DAYS and MAINTENANCE_CRON.

        Raises:
            SettingError: one of them is not allowed.
        """
        days, cron = environ["RETENTION_DAYS"], environ["MAINTENANCE_CRON"]
        if not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
            raise SettingError(f"RETENTION_DAYS is '{days}', but must be a whole number of days from 1 to {MOST_DAYS}")
        if not croniter.is_valid(cron):
            raise SettingError(f"MAINTENANCE_CRON is '{cron}', but must be five fields, such as 15 2 * * *")
        return cls(timedelta(days=int(days)), cron)
