"""Looks at database and webserver, and remembers since when one of them does not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg2
import psycopg2.extensions

from dagster_api.client import ApiError
from dagster_services.database.session import connected
from dagster_services.monitor.condition import Condition, Fault, Roster
from dagster_services.monitor.history import History
from dagster_services.monitor.reading import Reader
from dagster_services.monitor.roster import ask, roster

# Definitions change with a deploy. With 1,000 assets the webserver takes long for the list.
ROSTER_SECONDS = 60


@dataclass
class Looker:
    """All that was seen so far."""

    environ: Mapping[str, str]
    # Whether Prometheus wants to know of runs and pools too.
    has_history: bool = False
    history: History = field(default_factory=History)
    reader: Reader = field(default_factory=Reader)
    roster: Roster = field(default_factory=Roster)
    silent: dict[str, Fault] = field(default_factory=dict)
    _connection: psycopg2.extensions.connection | None = None
    _asked: float = float("-inf")

    def look(self, now: float) -> Condition:
        """The condition at this moment. Facts of a service that does not answer are the last ones known."""
        self._try("postgres", self._read, now)
        if now - self._asked >= ROSTER_SECONDS:
            self._try("webserver", lambda: self._ask(now), now)
        seen = self.reader
        # Without the database nobody knows whether the daemon writes heartbeats.
        heartbeats = {} if "postgres" in self.silent else seen.heartbeats
        return Condition(self.roster, heartbeats, seen.ticks, seen.freshness, seen.checks, self.silent)

    @property
    def sees_all(self) -> bool:
        """Whether a problem that is not found has really ended."""
        return not self.silent and bool(self.roster.locations)

    def _try(self, service: str, act: Callable[[], None], now: float) -> None:
        try:
            act()
        except (psycopg2.Error, ApiError, OSError) as error:
            before = self.silent.get(service)
            self.silent = {**self.silent, service: Fault(before.since if before else now, str(error))}
        else:
            self.silent = {name: fault for name, fault in self.silent.items() if name != service}

    def _read(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = connected(self.environ)
        try:
            self.reader.look(self._connection)
            if self.has_history:
                self.history.look(self._connection)
        except psycopg2.Error:
            # A restarted pool leaves a connection that looks open.
            self._connection.close()
            raise

    def _ask(self, now: float) -> None:
        self.roster = roster(ask(), self.roster, now)
        self._asked = now
