"""`make bench`: the cost of a run in the running deployment. `--official` also measures the official example's settings."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.machine import busy_seconds, memory, shares
from bench.measure import BenchError, Phases, Tags, burst, measure, median_run, runs_per_minute
from bench.official import official_deployment
from dagster_api.client import ApiError
from dagster_api.waiting import WaitError
from dagster_api.workspace import client_with
from operate.compose import CommandError, compose, model, webserver_url
from operate.locations import has_worker, locations
from operate.smoke import smoke_jobs

REPEATS = 5
BURST = 20
REST_SECONDS = 60
TAG = "dagster/isolation"


def latency(url: str, job: str, repeats: int, tags: Tags = None) -> Phases:
    """Prints a line and returns the median of `repeats` runs, launched one after the other."""
    client = client_with(url, job)
    client.quiet(seconds=300, every=1)
    measured = [measure(client, job, tags) for _ in range(repeats)]
    middle, totals = median_run(measured), [each.total for each in measured]
    columns = "".join(f"{seconds:>8.2f}" for seconds in (middle.queue, middle.start, middle.load, middle.steps, middle.total))
    print(f"  {job:<42}{columns}{f'{min(totals):.2f}-{max(totals):.2f}':>14}", flush=True)
    return middle


def throughput(url: str, job: str, count: int, tags: Tags = None) -> float:
    """Prints a line and returns the runs per minute of `count` runs, launched at once."""
    client = client_with(url, job)
    client.quiet(seconds=300, every=1)
    before = busy_seconds()
    rate = runs_per_minute(burst(client, job, count, tags))
    processor = f"{(busy_seconds() - before) / count:>6.2f} s of CPU a run"
    print(f"  {f'{count} of {job} at once, runs a minute':<66}{rate:>8.1f}{processor}", flush=True)
    return rate


def bench(
    url: str,
    title: str,
    jobs: Sequence[str],
    bursts: Sequence[str],
    *,
    repeats: int = REPEATS,
    count: int = BURST,
    tags: Tags = None,
) -> tuple[float, float]:
    """Prints a deployment's table; returns the first job's seconds per run and the first burst's runs per minute."""
    header = "".join(f"{name:>8}" for name in ("queue", "start", "load", "steps", "total"))
    print(f"{title}\n  {f'launch to success, median of {repeats}, seconds':<42}{header}{'spread':>14}", flush=True)
    seconds = [latency(url, job, repeats, tags).total for job in jobs]
    rates = [throughput(url, job, count, tags) for job in bursts]
    return seconds[0], rates[0]


def isolations() -> dict[str, Tags]:
    """The tags of each kind of run that the deployment has, by its title."""
    services = model()["services"]
    if "broker" not in services:
        return {"this deployment": None}
    kinds: dict[str, Tags] = {"this deployment, runs in workers": {TAG: "worker"}}
    return kinds | ({"this deployment, a container for each run": {TAG: "container"}} if "launch_gateway" in services else {})


def largest(found: Mapping[str, float], form: str) -> str:
    """The five services that take most."""
    return ", ".join(f"{name} {found[name]:{form}}" for name in sorted(found, key=found.__getitem__, reverse=True)[:5])


def at_rest(url: str, job: str) -> None:
    """Prints the processors and the memory that the deployment takes without runs."""
    client_with(url, job).quiet(seconds=300, every=1)
    used = memory(model()["name"])
    taken = shares(used, REST_SECONDS)
    print(f"at rest for {REST_SECONDS} s: {sum(taken.values()):.3f} processors: {largest(taken, '.3f')}", flush=True)
    print(f"memory: {sum(used.values()):.0f} MiB in {len(used)} services: {largest(used, '.0f')}", flush=True)


def each_isolation(url: str, jobs: Sequence[str], bursts: Sequence[str], again: str = "") -> dict[str, tuple[float, float]]:
    """Prints a table for each kind of run; returns seconds per run and runs per minute by its title."""
    return {title: bench(url, f"{title}{again}", jobs, bursts, tags=tags) for title, tags in isolations().items()}


@contextmanager
def resting() -> Iterator[None]:
    """Stops this deployment's Dagster processes meanwhile: their schedules would slow the measurement beside it."""
    compose("--progress", "quiet", "stop", "daemon", "webserver", *(each.name for each in locations()), *workers())
    try:
        yield
    finally:
        compose("--progress", "quiet", "up", "--detach", "--wait", "--no-recreate")


def workers() -> list[str]:
    """The services of workers that have a container."""
    deployment = model()
    return [each.worker for each in locations(deployment) if has_worker(deployment, each)]


def beside_official(url: str, jobs: Sequence[str]) -> None:
    """Measures this deployment, the official settings, and this one again, because the machine's speed changes meanwhile."""
    before = each_isolation(url, jobs, jobs[:1])
    with resting(), official_deployment() as official:
        seconds, rate = bench(official, "the official example's settings", jobs, jobs[:1])
    after = each_isolation(url, jobs, jobs[:1], " again")
    for title, first in before.items():
        ours = [statistics.mean(pair) for pair in zip(first, after[title], strict=True)]
        print(f"{title}: official settings take {seconds / ours[0]:.1f} times as long a run, {ours[1] / rate:.1f} times a burst")


def chosen_jobs(url: str, names: Sequence[str]) -> Sequence[str]:
    """The jobs to measure: `names`, or those that `make smoke` runs by default.

    Raises:
        BenchError: there are none.
    """
    jobs = names or smoke_jobs(url)
    if not jobs:
        raise BenchError('the code locations name no jobs for it: make bench JOBS="mine"')
    return jobs


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("jobs", nargs="*", help="names of jobs; the default are those that `make smoke` runs")
    parser.add_argument("--official", action="store_true", help="measure the official example's settings too")
    options = parser.parse_args(arguments)
    try:
        url = webserver_url()
        jobs = chosen_jobs(url, options.jobs)
        if options.official:
            beside_official(url, jobs)
        else:
            at_rest(url, jobs[0])
            each_isolation(url, jobs, jobs)
    except (ApiError, BenchError, CommandError, WaitError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
