"""The evaluation of automation, by the daemon and by the code server: its time, and both processes meanwhile."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from bench.grown.copy import PROJECT, Copy
from bench.machine import memory, shares
from dagster_api.schedules_and_sensors import sensor
from dagster_api.waiting import seen, wait_for

# The processes that can evaluate automation.
PROCESSES = ("daemon", "code server")
REST_SECONDS = 120
SENSORS = """query Sensors($selector: RepositorySelector!) { sensorsOrError(repositorySelector: $selector) {
  ... on Sensors { results { name } } } }"""
TICKS = """query Ticks($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor { sensorState {
  ticks(limit: 20) { timestamp endTimestamp status } } } } }"""


@dataclass(frozen=True)
class Automation:
    """Seconds of one evaluation of all assets; shares of a processor and MiB of daemon and code server meanwhile."""

    tick: float
    daemon: float
    code: float
    daemon_memory: float
    code_memory: float


def sensors(copy: Copy) -> list[str]:
    """The names of its sensors."""
    return [each["name"] for each in copy.client.query(SENSORS, selector=copy.client.selector)["sensorsOrError"]["results"]]


def ticks(copy: Copy, name: str, since: float) -> list[float]:
    """The seconds of each evaluation by a sensor that began after a moment, and has ended."""
    answer = copy.client.query(TICKS, selector={**copy.client.selector, "sensorName": name})
    found = answer["sensorOrError"]["sensorState"]["ticks"]
    return [each["endTimestamp"] - each["timestamp"] for each in found if each["endTimestamp"] and each["timestamp"] > since]


def wait_for_evaluation(copy: Copy, name: str, since: float) -> None:
    """Waits for the end of an evaluation by a sensor that began after a moment.

    Raises:
        WaitError: none has ended.
    """
    wait_for(f"an evaluation by {name}", lambda: seen(bool(ticks(copy, name, since)), "none has ended"), seconds=300, every=1)


def measured(copy: Copy, process: str) -> Automation:
    """Measures daemon and code server while one of them evaluates all assets, and nothing has to be done."""
    copy.up(int(copy.environ["GROWN_ASSETS"]), process)
    began, names = time.time(), sensors(copy)
    for name in names:
        sensor(copy.client, name).turn(on=True)
    # The first evaluation loads the whole history of the assets, and does not count.
    for name in names:
        wait_for_evaluation(copy, name, began)
    copy.client.quiet(seconds=300, every=1)
    since = time.time()
    used, kept = shares(["daemon", "user_code"], REST_SECONDS, copy.environ), memory(PROJECT)
    for name in names:
        wait_for_evaluation(copy, name, since)
    tick = sum(statistics.median(ticks(copy, name, since)) for name in names)
    for name in names:
        sensor(copy.client, name).turn(on=False)
    return Automation(tick, used["daemon"], used["user_code"], kept["daemon"], kept["user_code"])
