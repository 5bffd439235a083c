"""`make bench GROWN=1`: pages, runs and daemon of an empty copy, and of one with a large history and a large graph."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.grown.automation import PROCESSES, Automation, measured
from bench.grown.copy import Copy, grown_copy
from bench.grown.history import ask, multiply
from bench.grown.pages import loads
from bench.measure import BenchError, burst, measure, runs_per_minute
from dagster_api.client import ApiError
from dagster_api.waiting import WaitError
from operate.compose import CommandError, compose

JOB = "bread_job"
# A small team's assets, and those of a large one.
FEW_ASSETS, MANY_ASSETS = 10, 1_000
EVENTS, DAYS = 1_000_000, 90
# Copies are made of these.
SEEDS = 20
LOADS, LAUNCHES, BURST = 10, 7, 20
EACH_PROCESS = {
    "tick": "evaluation of all assets, median, s",
    "daemon": "daemon, processors",
    "code": "code server, processors",
    "daemon_memory": "daemon, MiB",
    "code_memory": "code server, MiB",
}
REPORT = """mutation Report($params: ReportRunlessAssetEventsParams!) { reportRunlessAssetEvents(eventParams: $params) {
  __typename } }"""


@dataclass(frozen=True)
class Figures:
    """Seconds of pages and runs; automation by the process that evaluates it."""

    pages: dict[str, list[float]]
    launch: float
    burst: float
    automation: dict[str, Automation]


def materialize_all(copy: Copy) -> None:
    """Reports a materialization of each asset."""
    for node in copy.client.query("{ assetNodes { assetKey { path } } }")["assetNodes"]:
        copy.client.query(REPORT, params={"eventType": "ASSET_MATERIALIZATION", "assetKey": {"path": node["assetKey"]["path"]}})


def figures(copy: Copy) -> Figures:
    """Measures the copy: pages and runs first, then processes at rest while one of them evaluates automation."""
    client = copy.client
    pages = loads(copy.url, LOADS)
    client.quiet(seconds=300, every=1)
    launches = [measure(client, JOB).total for _ in range(LAUNCHES)]
    rate = runs_per_minute(burst(client, JOB, BURST))
    evaluated = {process: measured(copy, process) for process in PROCESSES}
    return Figures(pages, statistics.median(launches), rate, evaluated)


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
    yield line(f"{JOB}, launch to success, median of {LAUNCHES}, s", empty.launch, grown.launch)
    yield line(f"{BURST} of {JOB} at once, runs a minute", empty.burst, grown.burst)
    for process, quick in empty.automation.items():
        yield f"automation, evaluated by the {process}"
        for name, title in EACH_PROCESS.items():
            yield line(title, getattr(quick, name), getattr(grown.automation[process], name))


def line(title: str, empty: float, grown: float) -> str:
    """A figure of both copies."""
    return f"  {title:<56}{empty:>14.2f}{grown:>14.2f}"


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
