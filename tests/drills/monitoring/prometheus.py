"""Asks the Prometheus and the Alertmanager of a copy."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from dagster_api.client import DIRECT
from dagster_api.waiting import NotYetError, seen, wait_for


def answer(url: str) -> Any:
    """Returns the JSON at a URL of this machine. A service that restarts does not answer yet."""
    try:
        with DIRECT.open(urllib.request.Request(url), timeout=10) as response:
            return json.load(response)
    except OSError as error:
        raise NotYetError(f"{url}: {error}") from error


@dataclass(frozen=True)
class Prometheus:
    """Describes where they are."""

    port: int
    alertmanager_port: int

    def values(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Returns the values of a query by their labels."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        results = answer(url)["data"]["result"]
        return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in results}

    def firing(self) -> dict[str, str]:
        """Returns the summaries of the alerts that fire, by their names, without the one that fires always."""
        alerts = answer(f"http://127.0.0.1:{self.port}/api/v1/alerts")["data"]["alerts"]
        return {
            each["labels"]["alertname"]: each["annotations"]["summary"]
            for each in alerts
            if each["state"] == "firing" and each["labels"]["alertname"] != "Watchdog"
        }

    def wait_for(self, *names: str, seconds: float = 150) -> dict[str, str]:
        """Waits until these alerts fire; returns what they say."""

        def fire() -> dict[str, str]:
            found = self.firing()
            return seen(found if found.keys() >= set(names) else None, found)

        return wait_for(f"the alerts {', '.join(names)}", fire, seconds=seconds, every=1)

    def wait_for_end_of(self, *names: str, seconds: float = 150) -> None:
        """Waits until none of these alerts fires."""
        wait_for(
            "the end of alerts", lambda: seen(not self.firing().keys() & set(names), self.firing()), seconds=seconds, every=1
        )

    def states(self) -> dict[str, str]:
        """Returns the state of each alert in Alertmanager, such as active or suppressed, by its name."""
        alerts = answer(f"http://127.0.0.1:{self.alertmanager_port}/api/v2/alerts")
        return {each["labels"]["alertname"]: each["status"]["state"] for each in alerts}
