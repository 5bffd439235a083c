"""The monitor says what does not answer, and draws no wrong conclusion from it."""

from __future__ import annotations

from dagster_services.monitor.looking import Looker
from dagster_services.monitor.problems import problems
from operate.compose import free_port


def test_postgres_that_is_away_does_not_make_the_daemon_silent() -> None:
    """Eight messages about the daemon would hide the one about Postgres."""
    nowhere = {
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(free_port()),
        "DAGSTER_POSTGRES_USER": "dagster_monitor",
        "DAGSTER_POSTGRES_DB": "dagster",
    }
    looker = Looker(nowhere)
    looker.reader.heartbeats = {"SENSOR": 0.0}
    looker.look(1_000.0)
    found = list(problems(looker.look(1_600.0), 1_600.0, 300))
    assert [each.key for each in found] == ["service:postgres", "service:webserver"]
    assert not looker.sees_all
