"""The settings of a worker, from its environment: docker/code_server/worker.yml sets them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dagster_deployment.presence import HERE

UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# Docker kills the container after its grace period. Runs that are still active then are ended this much earlier.
BEFORE_KILL_SECONDS = 10
# A worker renews its leases every second; a shorter pause of its host must not cost runs.
LEAST_LOST_SECONDS = 5


class SettingsError(Exception):
    """A setting is missing or not allowed. The message names it, and its remedy."""


def bytes_of(name: str, text: str) -> int:
    """A size as Docker writes it: 512m, 1g.

    Raises:
        SettingsError: it is no size.
    """
    found = re.fullmatch(r"([1-9]\d*)([bkmg]?)", text.lower())
    if found is None:
        raise SettingsError(f"{name} is set to '{text}', which is not allowed: it must be a size such as 512m or 1g.")
    return int(found[1]) * UNITS[found[2]]


def number(name: str, text: str, least: int) -> int:
    """A whole number.

    Raises:
        SettingsError: it is none, or too small.
    """
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise SettingsError(f"{name} is set to '{text}', which is not allowed: it must be a whole number from {least} on.")
    return int(text)


@dataclass(frozen=True)
class Settings:
    """The settings of a worker."""

    location: str
    image: str
    # Runs at the same time.
    slots: int
    # Bytes of memory that a run may allocate.
    run_memory: int
    # Seconds that runs may go on after `docker stop`.
    grace: int
    # The host's name, where it is not the deployment's own.
    host: str = HERE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings.

        Raises:
            SettingsError: one is missing or not allowed.
        """
        given = {name: environ.get(name, "") for name in ("CODE_LOCATION", "DAGSTER_CURRENT_IMAGE")}
        if missing := [name for name, value in given.items() if not value]:
            raise SettingsError(f"{missing[0]} is missing: set it in locations/NAME/compose.yml.")
        number("WORKER_LOST_SECONDS", environ.get("WORKER_LOST_SECONDS", "30"), LEAST_LOST_SECONDS)
        seconds = number("WORKER_GRACE_SECONDS", environ.get("WORKER_GRACE_SECONDS", "60"), BEFORE_KILL_SECONDS + 1)
        return cls(
            given["CODE_LOCATION"],
            given["DAGSTER_CURRENT_IMAGE"],
            number("WORKER_CONCURRENCY", environ.get("WORKER_CONCURRENCY", "2"), 1),
            bytes_of("RUN_MEMORY", environ.get("RUN_MEMORY", "1g")),
            seconds - BEFORE_KILL_SECONDS,
            environ.get("WORKER_HOST") or HERE,
        )
