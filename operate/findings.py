"""Judges the condition of the deployment for `make doctor`: a finding for each thing, with a remedy where it is not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dagster_api.condition import Assets, Daemon, Maintenance
from dagster_api.runs import Run

MINUTE, HOUR, DAY = 60, 3600, 86_400
GIB, MEGABYTE = 1024**3, 10**6
# docker/dagster/src/dagster_services/daemon/probe.py: threads write every 30 s.
SILENT_SECONDS = 90
QUEUED_SECONDS = 15 * MINUTE
# `start_timeout_seconds` and `cancel_timeout_seconds` of dagster.yaml are shorter: nobody monitors the run.
STUCK_SECONDS = {"STARTING": 5 * MINUTE, "CANCELING": 5 * MINUTE, "STARTED": DAY}
BACKUP_SECONDS = 8 * DAY
# MAINTENANCE_CRON may be once a week.
MAINTENANCE_SECONDS = 8 * DAY
# The service `backup` looks every half minute.
WAL_SECONDS = 10 * MINUTE
FULL_DAYS = 30
LOW_DISK, LOW_MEMORY = 0.15, 0.05


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is well, what was seen, and what to do if it is not."""

    name: str
    is_well: bool
    said: str
    remedy: str = ""


def ago(seconds: float) -> str:
    """A duration for people: 40 s, 12 min, 5 h, 3 days."""
    for size, unit in ((DAY, "days"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def space(name: str, free: int, total: int, least: float, remedy: str) -> Finding:
    """Free space of a disk or of memory, in bytes, against a part of the whole."""
    return Finding(name, free >= least * total, f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free", remedy)


def services(faults: Mapping[str, str], number: int) -> Iterator[Finding]:
    """The services that are not in their right state."""
    for service, state in faults.items():
        yield Finding("service", False, f"{service} is {state}", f"docker compose logs {service}")
    if not faults:
        yield Finding("services", True, f"healthy: {number}")


def daemons(found: Sequence[Daemon], now: float) -> Iterator[Finding]:
    """The daemons that are silent, or whose last heartbeat came with an error."""
    remedy = "docker compose logs daemon"
    for each in found:
        silence = now - each.heartbeat if each.heartbeat else None
        if silence is None or silence > SILENT_SECONDS:
            last = "it has never written one" if silence is None else f"the last one is {ago(silence)} old"
            yield Finding("daemon", False, f"{each.name} writes no heartbeat: {last}", remedy)
        elif each.error:
            yield Finding("daemon", False, f"{each.name}: {each.error.strip().splitlines()[0]}", remedy)
    oldest = max((now - each.heartbeat for each in found if each.heartbeat), default=0.0)
    if oldest <= SILENT_SECONDS and not any(each.error or not each.heartbeat for each in found):
        yield Finding("daemons", True, f"heartbeats of {len(found)}, the oldest {ago(oldest)} ago")


def locations(errors: Mapping[str, str | None]) -> Iterator[Finding]:
    """The code locations that are not loaded."""
    for name, error in errors.items():
        if error:
            yield Finding(
                "code location", False, f"{name}: {error.strip().splitlines()[0]}", f"correct it, then make deploy NAME={name}"
            )
    if not any(errors.values()):
        yield Finding("code locations", True, f"loaded: {', '.join(sorted(errors))}")


def runs(found: Sequence[Run], now: float) -> Iterator[Finding]:
    """Runs that wait or work for longer than is usual."""
    queued = [run for run in found if run.status == "QUEUED"]
    waits = now - queued[0].created if queued else 0.0
    waiting = f"waiting: {len(queued)}, the first for {ago(waits)}" if queued else "nothing waits"
    said = f"{waiting}; in progress: {len(found) - len(queued)}"
    remedy = "MAX_CONCURRENT_RUNS in .env, more workers, or a pool without a free slot: the run's page says why it waits"
    yield Finding("queue", waits <= QUEUED_SECONDS, said, remedy)
    for run in found:
        lasts = now - (run.started or run.created)
        if lasts > STUCK_SECONDS.get(run.status, float("inf")):
            said = f"{run.run_id} of {run.job} is {run.status} for {ago(lasts)}"
            yield Finding("run", False, said, "look at its page, and terminate it there if it does nothing")


def assets(found: Assets) -> Iterator[Finding]:
    """Assets that are not as fresh as their policy asks, and failing checks."""
    yield Finding("freshness", not found.stale, _listed(found.stale, "stale"), "materialize them, or see why their runs fail")
    yield Finding(
        "asset checks", not found.failed_checks, _listed(found.failed_checks, "failing"), "the asset's page shows the result"
    )


def _listed(names: Sequence[str], adjective: str, most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} {adjective}: {', '.join(names[:most])}{more}" if names else f"none is {adjective}"


def backup(newest: float | None, now: float) -> Finding:
    """The newest file of `make backup`, by its time in seconds since 1970. The service `backup` has a health check of its own."""
    remedy = "make backup, or make up BACKUP=1"
    if newest is None:
        return Finding("backup", False, "there is none", remedy)
    return Finding("backup", now - newest <= BACKUP_SECONDS, f"the newest file is {ago(now - newest)} old", remedy)


def point_in_time(outcomes: Mapping[str, Mapping[str, str | None]], now: float) -> Iterator[Finding]:
    """What the service `backup` keeps of its work: WAL, base backups and drills."""
    for kind in ("wal", "full", "drill"):
        outcome = outcomes.get(kind, {})
        error, good = outcome.get("error"), outcome.get("good")
        last = f"the last good one is of {good[:16]}" if good else "there was no good one"
        said = f"{last}: {error}" if error else last
        age = now - datetime.fromisoformat(good).timestamp() if good else float("inf")
        in_time = age <= (WAL_SECONDS if kind == "wal" else BACKUP_SECONDS)
        yield Finding(f"backup: {kind}", in_time and not error, said, "docker compose logs backup")


def maintenance(found: Sequence[Maintenance], now: float) -> Finding:
    """The last maintenance."""
    remedy = "docker compose logs maintenance, then make maintenance"
    if not found:
        return Finding("maintenance", True, "the first one is still to come")
    last, age = found[0], now - found[0].at
    said = f"{ago(age)} ago: {last.error or last.said}"
    return Finding("maintenance", not last.error and age <= MAINTENANCE_SECONDS, said, remedy)


def growth(found: Sequence[Maintenance], free: int) -> Finding:
    """How fast the database grows, from its sizes at past maintenances, and when it fills the disk."""
    sizes = [(each.at, each.database) for each in found if each.database is not None]
    if not sizes or sizes[0][0] - sizes[-1][0] < DAY / 2:
        return Finding("growth", True, "unknown until the second night")
    (now, size), (then, former) = sizes[0], sizes[-1]
    daily = (size - former) / ((now - then) / DAY)
    if daily <= 0:
        return Finding("growth", True, f"the database has {size / MEGABYTE:,.0f} MB, and does not grow")
    days = free / daily
    grows = f"grows by {daily / MEGABYTE:,.1f} MB a day: the disk is full in {days:,.0f} days"
    said = f"the database has {size / MEGABYTE:,.0f} MB, and {grows}"
    return Finding("growth", days >= FULL_DAYS, said, "a lower RETENTION_DAYS in .env, or a larger disk")
