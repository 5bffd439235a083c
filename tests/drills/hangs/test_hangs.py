"""Every service hangs under load, and is healthy again without a person. A slow machine is no service that hangs."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime

import pytest

from bench.grown.history import ask
from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.drills.hangs.conftest import SERVICES
from tests.drills.hangs.processes import busy, reap, stop, stop_thread
from tests.drills.workers.load import Load, container, freeze, load, thaw
from tests.stack.conftest import Stack
from tests.stack.test_faults import container_state

pytestmark = pytest.mark.timeout(900)
# With a health check every 30 s instead of 10 s it takes up to a minute more.
SECONDS = 300
THREAD = "SENSOR"
# Without these no run goes on.
DATABASE = ("postgres", "run_connection_pool")
RUNS = 12
# One more than restart a service that hangs.
PROBES = 4
# The API hides this tag. A retry has the tags of the run that it repeats.
TICKS = """SELECT tick.value, count(*) FROM run_tags AS tick JOIN run_tags AS schedule USING (run_id)
    WHERE tick.key = '.dagster/scheduled_execution_time' AND schedule.key = 'dagster/schedule_name'
    AND NOT EXISTS (SELECT FROM run_tags AS parent WHERE parent.run_id = tick.run_id AND parent.key = 'dagster/parent_run_id')
    GROUP BY schedule.value, tick.value"""
# The heartbeats of the daemon are older than its probe allows then.
SLEEP_SECONDS = 120


def restarts(stack: Stack) -> dict[str, int]:
    """Returns how often Docker has restarted each service."""
    found = json.loads(run(["docker", "inspect", *(container(stack, name) for name in SERVICES)], capture=True))
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each["RestartCount"] for each in found}


def reasons(stack: Stack, service: str) -> list[str]:
    """Returns the lines of a service's log that say why it was restarted."""
    logs = subprocess.run(["docker", "logs", container(stack, service)], text=True, capture_output=True, check=True)
    return [line for line in logs.stderr.splitlines() if line.startswith("restart: ")]


def wait_until_healthy(stack: Stack, services: tuple[str, ...], since: dict[str, str], stopped: int = 0) -> None:
    """Waits until each of the services has started again, and is healthy. `stopped` is a thread that `stop_thread` returns."""

    def healthy() -> bool:
        if stopped:
            reap(stopped)
        states = {name: container_state(stack, name) for name in services}
        bad = [name for name, each in states.items() if each["StartedAt"] == since[name] or each["Health"]["Status"] != "healthy"]
        return seen(not bad, {name: states[name]["Health"]["Status"] for name in bad})

    wait_for("all services healthy again", healthy, seconds=SECONDS, every=1)


def started(stack: Stack) -> dict[str, str]:
    """Returns when each service has started."""
    return {name: container_state(stack, name)["StartedAt"] for name in SERVICES}


def wait_for_probes(stack: Stack) -> None:
    """Waits until each service has been probed PROBES times."""
    since = datetime.now(UTC)

    def probed() -> bool:
        logs = {name: container_state(stack, name)["Health"]["Log"] for name in SERVICES if name != "postgres"}
        numbers = {name: sum(datetime.fromisoformat(each["Start"]) > since for each in log) for name, log in logs.items()}
        return seen(min(numbers.values()) >= PROBES, numbers)

    wait_for("some probes", probed, seconds=SECONDS, every=1)


def check(stack: Stack, runs: Load) -> None:
    """Each run has succeeded, no two attempts of one were at the same time, and no tick of the schedule was executed twice."""
    runs.wait(SECONDS)
    assert runs.doubles() == []
    ticks = ask(stack.environ, TICKS)
    assert ticks != []
    assert {runs for tick, runs in (line.split("|") for line in ticks)} == {"1"}, ticks


def test_slow_machine_and_missing_neighbours_restart_nothing(still: Stack) -> None:
    """All cores are busy, the database hangs, then the whole host sleeps. A restart would make each of these worse."""
    before = restarts(still)
    with busy(8):
        freeze(still, "postgres")
        wait_for_probes(still)
        thaw(still, "postgres")
        still.succeeds("quick_job")
        for name in SERVICES:
            freeze(still, name)
        # Nothing happens on a host that sleeps.
        time.sleep(SLEEP_SECONDS)
        for name in reversed(SERVICES):
            thaw(still, name)
        still.succeeds("quick_job")
        wait_for_probes(still)
    assert restarts(still) == before


def test_every_service_that_hangs_is_restarted_and_no_run_is_lost_or_doubled(still: Stack) -> None:
    """All hang at the same moment, but for the database of runs. Of the daemon, one thread hangs, as in a deadlock."""
    schedule(still.client, "quick_schedule").turn(on=True)
    runs, since = load(still, RUNS), started(still)
    runs.wait_until_under_way()
    stopped = stop_thread(still, "daemon", f"dagster-daemon-{THREAD}")
    hung = tuple(name for name in SERVICES if name not in DATABASE)
    for name in hung:
        if name != "daemon":
            stop(still, name)
    wait_until_healthy(still, hung, since, stopped)
    assert all(len(reasons(still, name)) == 1 for name in hung)
    assert reasons(still, "daemon") == [f"restart: 3 probes in a row have failed: silent for too long: {THREAD}"]
    check(still, runs)


def test_hung_daemon_and_database_are_restarted_alone(still: Stack) -> None:
    """Services that wait for them are unhealthy meanwhile, and are not restarted."""
    runs, before, since = load(still, RUNS), restarts(still), started(still)
    runs.wait_until_under_way()
    hung = ("daemon", *DATABASE)
    for name in hung:
        stop(still, name)
    wait_until_healthy(still, hung, since)
    assert restarts(still) == {name: number + (name in hung) for name, number in before.items()}
    # A step that was using the database fails, and is not retried. No run may stay in progress.
    still.quiet()
    still.succeeds("quick_job")
