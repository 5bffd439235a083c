"""Decides which work is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from croniter import croniter

from database_backup.settings import Settings
from database_backup.status import Outcome
from database_backup.timelines import Switch

MOST_AGAIN = 2
RETRY = timedelta(minutes=5)


def come(cron: str, last: datetime, now: datetime) -> bool:
    """Whether a time of a cron expression has come since."""
    found: datetime = croniter(cron, last).get_next(datetime)
    return found <= now


def next_work(outcomes: Mapping[str, Outcome], switches: Sequence[Switch], kept: Settings, now: datetime) -> str | None:
    """Returns the kind of work that is due: `full`, `incremental`, `drill` or none."""
    full, part, trial = (outcomes.get(kind) for kind in ("full", "incremental", "drill"))
    if full is None or full_due(full, trial, switches, kept, now):
        return "full"
    if full.good is None:
        return None
    if come(kept.incremental, max(full.good, part.tried if part else full.good), now):
        return "incremental"
    return "drill" if drill_due(full.good, trial, kept, now) else None


def full_due(full: Outcome, trial: Outcome | None, switches: Sequence[Switch], kept: Settings, now: datetime) -> bool:
    """Whether a full backup is due: by its time, after a failure, after a restore to a moment, or because one is damaged.

    Another one is made after a drill that has failed. If the drills of two of them fail too, the reason is another one: many
    would fill the disk.
    """
    if full.error or full.good is None:
        return full.tried < now - RETRY
    damaged = trial is not None and 1 <= trial.failures <= MOST_AGAIN and trial.tried > full.good
    restored = bool(switches) and switches[-1].since > full.good
    return damaged or restored or come(kept.full, full.good, now)


def drill_due(full: datetime, trial: Outcome | None, kept: Settings, now: datetime) -> bool:
    """Whether a drill is due: by its time, the first one, or another one of the full backup after one that has failed."""
    if trial is None:
        return True
    again = bool(trial.error) and full > trial.tried
    return again or come(kept.drill, trial.tried, now)
