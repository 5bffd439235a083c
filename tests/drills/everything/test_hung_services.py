"""Services of the overlays restart if they hang, as those of docker-compose.yml do: tests/drills/hangs."""

from __future__ import annotations

import pytest

from dagster_api.waiting import seen, wait_for
from tests.drills.everything.conftest import OF_OVERLAYS
from tests.drills.everything.test_json_logs import lines, listed
from tests.drills.hangs.processes import stop
from tests.stack.conftest import Stack
from tests.stack.test_faults import container_state

pytestmark = pytest.mark.timeout(600)
# With a health check every 30 s instead of 10 s it takes up to a minute more.
SECONDS = 300


def states(stack: Stack) -> dict[str, tuple[str, str]]:
    """Returns when each service has started, and its health."""
    found = {name: container_state(stack, name) for name in OF_OVERLAYS}
    return {name: (each["StartedAt"], each["Health"]["Status"]) for name, each in found.items()}


def reasons(stack: Stack, service: str) -> list[str]:
    """Returns the lines of a service's log that say why it was restarted."""
    [container] = listed(f"com.docker.compose.project={stack.project}", f"com.docker.compose.service={service}")
    return [line["message"] for line in lines(container["Id"]) if line["message"].startswith("restart: ")]


def test_every_service_of_an_overlay_that_hangs_is_restarted(still: Stack) -> None:
    """All hang at the same moment. Afterwards runs of both kinds succeed."""
    before = states(still)
    assert {health for _, health in before.values()} == {"healthy"}
    for name in OF_OVERLAYS:
        stop(still, name)

    def healthy() -> bool:
        bad = {name: now for name, now in states(still).items() if now[0] == before[name][0] or now[1] != "healthy"}
        return seen(not bad, bad)

    wait_for("all services healthy again", healthy, seconds=SECONDS, every=1)
    assert {name: len(reasons(still, name)) for name in OF_OVERLAYS} == dict.fromkeys(OF_OVERLAYS, 1)
    still.succeeds("quick_job")
    still.succeeds("quick_job", tags={"dagster/isolation": "container"})
