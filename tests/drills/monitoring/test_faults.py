"""A real fault fires each alert, and the operator gets one message when it begins and one when it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dagster_api import queries
from dagster_api.schedules_and_sensors import schedule, sensor
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.drills.monitoring.conftest import SHORTER
from tests.drills.monitoring.prometheus import Prometheus
from tests.inbox import Inbox
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(600)
# A message about a stopped daemon must come in this time, to be of use.
MOST_SECONDS = 180
# The rule of the drill is true for every disk.
ALWAYS = {"DiskLow"}
SET_POOL = """mutation Pool($name: String!, $slots: Int!) { setConcurrencyLimit(concurrencyKey: $name, limit: $slots) }"""


def lines(inbox: Inbox) -> list[str]:
    """Returns the lines of all messages."""
    return [line for each in inbox.messages for line in each["message"].splitlines()]


def wait_for_line(inbox: Inbox, said: str, seconds: float = 120) -> None:
    """Waits until a line of a message begins so."""
    wait_for(
        f"the message '{said}'",
        lambda: seen(any(each.startswith(said) for each in lines(inbox)), lines(inbox)),
        seconds=seconds,
        every=1,
    )


def wait_for_metric(prometheus: Prometheus, name: str, seconds: float) -> None:
    """Waits until Prometheus has a metric."""
    wait_for(name, lambda: seen(bool(prometheus.values(name)), "it has none"), seconds=seconds, every=1)


def wait_for_state(prometheus: Prometheus, alert: str, state: str) -> None:
    """Waits until Alertmanager has an alert in a state."""

    def has() -> bool:
        found = prometheus.states()
        return seen(found.get(alert) == state, found)

    wait_for(f"{alert} to be {state}", has, seconds=60, every=1)


@contextmanager
def stopped(stack: Stack, service: str) -> Iterator[None]:
    """Stops a service for the length of a block."""
    stack.compose("stop", service)
    try:
        yield
    finally:
        stack.compose("start", service)


def test_deployment_that_is_well_fires_nothing(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """Each service is asked, every rule is evaluated, and the dead man's switch is asked."""
    targets = ("monitor", "postgres", "connection_pool", "run_connection_pool", "alertmanager")
    wait_for(
        "metrics", lambda: seen(len(prometheus.values("up == 1")) == len(targets), prometheus.values("up")), seconds=120, every=1
    )
    wait_for("the dead man's switch", lambda: seen(bool(inbox.pings), "no request"), seconds=180, every=1)
    # It may fire while the services start: the shipped rule waits for two minutes, that of this copy for ten seconds.
    prometheus.wait_for_end_of("ExporterDown", seconds=60)
    assert prometheus.firing().keys() <= ALWAYS
    assert prometheus.values("pgbouncer_pools_server_active_connections > 0")
    assert prometheus.values("pg_database_size_bytes > 0")


def test_stopped_daemon_is_told_of_once(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """The daemon cannot report its own death. What it causes is not told of: sensors are silent, and the queue stands still."""
    slow = sensor(still.client, "slow_sensor")
    slow.turn(on=True)
    wait_for_metric(prometheus, "dagster_sensor_last_tick_timestamp_seconds", 120)
    with stopped(still, "daemon"):
        since = time.monotonic()
        queued = still.client.launch("quick_job")
        wait_for_line(inbox, "the daemon SENSOR has written no heartbeat for ", MOST_SECONDS)
        assert time.monotonic() - since < MOST_SECONDS
        prometheus.wait_for("DaemonSilent", "QueueOld", "SensorSilent")
        wait_for_state(prometheus, "SensorSilent", "suppressed")
    wait_for_line(inbox, "over: the daemon SENSOR has written no heartbeat", 240)
    slow.turn(on=False)
    still.client.wait(queued)
    told = lines(inbox)
    assert sum(each.startswith("the daemon SENSOR") for each in told) == 1
    assert sum(each.startswith("over: the daemon SENSOR") for each in told) == 1
    assert not [each for each in told if "has not ticked" in each]


def test_silenced_alert_stays_silent(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """An operator works on it."""
    amtool = ("amtool", "--alertmanager.url=http://127.0.0.1:9093", "silence", "add", "--author=me", "--comment=repair")
    still.exec("alertmanager", *amtool, "--duration=1h", "alertname=ExporterDown", "job=postgres")
    with stopped(still, "postgres_exporter"):
        prometheus.wait_for("ExporterDown")
        wait_for_state(prometheus, "ExporterDown", "suppressed")
        # One that is not silenced comes after it.
        with stopped(still, "pool_exporter"):
            wait_for_line(inbox, "Prometheus gets no metrics from connection_pool")
    prometheus.wait_for_end_of("ExporterDown")
    assert not [each for each in lines(inbox) if "from postgres" in each]


def test_failing_code_is_told_of(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """A check, a schedule and most runs of a job fail, and an asset becomes stale."""
    still.mark("fail", on=True)
    still.succeeds("milk_job")
    schedule(still.client, "milking_schedule").turn(on=True)
    for _ in range(3):
        still.client.wait(still.client.launch("quick_job"))
    said = prometheus.wait_for("CheckFailed", "TickFailed", "RunFailures", "AssetStale", seconds=240)
    assert said["RunFailures"] == "most runs of quick_job in user_code have failed in the last hour"
    for each in (
        "the check is_sweet of the asset milk failed",
        "the last tick of the schedule milking_schedule in user_code failed",
        "most runs of quick_job in user_code have failed in the last hour",
        "the asset milk is stale",
    ):
        wait_for_line(inbox, each)
    still.mark("fail", on=False)
    schedule(still.client, "milking_schedule").turn(on=False)
    still.succeeds("milk_job")
    wait_for_line(inbox, "over: the check is_sweet of the asset milk failed")


def test_run_that_does_not_end_and_loses_its_container_is_told_of(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """It holds a slot of the queue."""
    still.mark("hold", on=True)
    run_id = still.client.launch("held_job")
    assert prometheus.wait_for("RunStuck")["RunStuck"].startswith("a run has been started since its launch ")
    listing = [
        "docker",
        "ps",
        "--quiet",
        "--filter",
        f"label=com.docker.compose.project={still.project}",
        "--filter",
        f"label=dagster/run_id={run_id}",
    ]
    run(["docker", "kill", *run(listing, capture=True).split()], capture=True)
    wait_for_line(inbox, "a run has lost its container or worker")
    still.mark("hold", on=False)
    still.quiet()


def test_pool_without_a_free_slot_is_told_of(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """Its steps wait, and no error shows."""
    still.client.query(SET_POOL, name="oven", slots=0)
    run_id = still.client.launch("pool_job")
    wait_for_line(inbox, "steps wait for a slot of the pool oven")
    still.client.terminate(run_id)
    still.client.query(SET_POOL, name="oven", slots=1)
    prometheus.wait_for_end_of("PoolExhausted")


def test_code_location_that_does_not_answer_is_told_of(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """Its schedules and sensors do not tick."""
    still.compose("stop", "user_code")
    still.client.query(queries.RELOAD_LOCATION, name="user_code")
    wait_for_line(inbox, "the code location user_code does not load")
    still.up()
    wait_for_line(inbox, "over: the code location user_code does not load")


def test_backups_that_end_and_a_full_disk_are_told_of(still: Stack, prometheus: Prometheus, inbox: Inbox) -> None:
    """WAL that nobody receives is lost with the disk. The drill's rule takes each disk for a full one."""
    assert SHORTER["< 0.15 * dagster_disk"] == "< 0.99 * dagster_disk"
    wait_for_metric(prometheus, "dagster_backup_last_success_timestamp_seconds", 300)
    with stopped(still, "backup"):
        prometheus.wait_for("BackupOld", "DiskLow", seconds=240)
        wait_for_line(inbox, "the last good backup of kind wal is ")
    wait_for_line(inbox, "over: the last good backup of kind wal is ", 240)
