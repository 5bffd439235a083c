"""The settings of the service `backup`, which `docker/compose.backup.yml` gives it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from croniter import croniter

MOST_DAYS = 3650


class SettingError(Exception):
    """A setting has a value that is not allowed. The message names both."""


@dataclass(frozen=True)
class Settings:
    """How long backups are kept, in days, and when each kind of work is due: cron expressions, in UTC."""

    keep_days: int
    full: str
    incremental: str
    drill: str


def _cron(environ: Mapping[str, str], name: str) -> str:
    value = environ[name]
    try:
        croniter(value).get_next()
    except (ValueError, KeyError):
        said = f"{name} is set to '{value}', which is not allowed: it must be a cron expression such as 0 3 * * *."
        raise SettingError(said) from None
    return value


def number(environ: Mapping[str, str], name: str, most: int) -> int:
    """Returns a setting that is a number from 1 on.

    Raises:
        SettingError: it is not.
    """
    value = environ[name]
    if not (value.isdecimal() and 1 <= int(value) <= most):
        raise SettingError(f"{name} is set to '{value}', which is not allowed: it must be from 1 to {most}.")
    return int(value)


def settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Returns the settings.

    Raises:
        SettingError: one has a value that is not allowed.
    """
    days = number(environ, "BACKUP_KEEP_DAYS", MOST_DAYS)
    names = ("BACKUP_CRON", "BACKUP_INCREMENTAL_CRON", "BACKUP_DRILL_CRON")
    return Settings(days, *(_cron(environ, name) for name in names))
