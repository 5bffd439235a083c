"""`make bench GROWN=1`: pages, runs and daemon of an empty copy, and of one with a large history and a large graph."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.grown.copy import PROJECT, Copy, grown_copy
from bench.grown.history import ask, multiply
from bench.grown.pages import loads
from bench.machine import memory, shares
from bench.measure import BenchError, burst, measure, runs_per_minute
from dagster_api.client import ApiError
from dagster_api.schedules_and_sensors import sensor
from dagster_api.waiting import WaitError, seen, wait_for
from operate.compose import CommandError, compose

JOB, AUTOMATION = "bread_job", "default_automation_condition_sensor"
# A team's first week, and issue 16.
FEW_ASSETS, MANY_ASSETS = 10, 1_000
EVENTS, DAYS = 1_000_000, 90
# Copies are made of these.
SEEDS = 20
LOADS, LAUNCHES, BURST = 10, 7, 20
REST_SECONDS = 120
TICKS = """query Ticks($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor { sensorState {
  ticks(limit: 20) { timestamp endTimestamp status } } } } }"""
REPORT = """mutation Report($params: ReportRunlessAssetEventsParams!) { reportRunlessAssetEvents(eventParams: $params) {
  __typename } }"""


@dataclass(frozen=True)
class Figures:
    """Seconds of pages, runs and ticks; shares of a processor and MiB of the daemon."""

    pages: dict[str, list[float]]
    launch: float
    burst: float
    daemon: float
    daemon_memory: float
    code_memory: float
    tick: float


def materialize_all(copy: Copy) -> None:
    """Reports a materialization of each asset."""
    for node in copy.client.query("{ assetNodes { assetKey { path } } }")["assetNodes"]:
        copy.client.query(REPORT, params={"eventType": "ASSET_MATERIALIZATION", "assetKey": {"path": node["assetKey"]["path"]}})


def ticks(copy: Copy, since: float) -> list[float]:
    """The seconds that each evaluation of automation took which began after a moment, and has ended."""
    answer = copy.client.query(TICKS, selector={**copy.client.selector, "sensorName": AUTOMATION})
    found = answer["sensorOrError"]["sensorState"]["ticks"]
    return [each["endTimestamp"] - each["timestamp"] for each in found if each["endTimestamp"] and each["timestamp"] > since]


def figures(copy: Copy) -> Figures:
    """Measures the copy: pages and runs first, then the daemon at rest while it evaluates automation."""
    client = copy.client
    pages = loads(copy.url, LOADS)
    client.quiet(seconds=300, every=1)
    launches = [measure(client, JOB).total for _ in range(LAUNCHES)]
    rate = runs_per_minute(burst(client, JOB, BURST))
    began = time.time()
    sensor(client, AUTOMATION).turn(on=True)
    # The first evaluation loads the whole history of the assets.
    wait_for("an evaluation of automation", lambda: seen(bool(ticks(copy, began)), "none has ended"), seconds=300, every=1)
    client.quiet(seconds=300, every=1)
    share = shares(["daemon"], REST_SECONDS, copy.environ)["daemon"]
    tick, used = statistics.median(ticks(copy, began)), memory(PROJECT)
    sensor(client, AUTOMATION).turn(on=False)
    return Figures(pages, statistics.median(launches), rate, share, used["daemon"], used["user_code"], tick)


def grow(copy: Copy) -> None:
    """Adds a history, and the large graph."""
    compose("stop", "daemon", env=copy.environ)
    per_copy = int(ask(copy.environ, "SELECT count(*) FROM event_logs WHERE run_id <> ''")[0])
    multiply(copy.environ, EVENTS // per_copy, DAYS)
    copy.up(MANY_ASSETS)
    materialize_all(copy)


def size(copy: Copy) -> str:
    """What the copy holds."""
    runs, events = ask(copy.environ, "SELECT count(*) FROM runs UNION ALL SELECT count(*) FROM event_logs")
    assets = len(copy.client.query("{ assetNodes { id } }")["assetNodes"])
    return f"{assets:,} assets, {runs} runs, {events} events"


def lines(empty: Figures, grown: Figures) -> Iterator[str]:
    """A line for each figure."""
    yield f"{'seconds; of pages: median, and the slowest of ' + str(LOADS):<58}{'empty':>14}{'grown':>14}"
    for name, few in empty.pages.items():
        values = [f"{statistics.median(each):.2f} {each[-1]:>6.2f}" for each in (few, grown.pages[name])]
        yield f"  {f'page: {name}':<56}{values[0]:>14}{values[1]:>14}"
    for title, name in (
        (f"{JOB}, launch to success, median of {LAUNCHES}, s", "launch"),
        (f"{BURST} of {JOB} at once, runs a minute", "burst"),
        ("evaluation of automation, median, s", "tick"),
        ("daemon with automation, processors", "daemon"),
        ("daemon, MiB", "daemon_memory"),
        ("code server, MiB", "code_memory"),
    ):
        yield f"  {title:<56}{getattr(empty, name):>14.2f}{getattr(grown, name):>14.2f}"


def main() -> int:
    """Returns the exit status."""
    try:
        with grown_copy(FEW_ASSETS) as copy:
            for _ in range(SEEDS):
                measure(copy.client, JOB)
            materialize_all(copy)
            print(f"empty: {size(copy)}", flush=True)
            empty = figures(copy)
            grow(copy)
            print(f"grown: {size(copy)}", flush=True)
            print("\n".join(lines(empty, figures(copy))), flush=True)
    except (ApiError, BenchError, CommandError, WaitError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
