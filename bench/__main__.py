"""`make bench`: the cost of a run in the running deployment. `--official` also measures the official example's settings."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.measure import BenchError, Phases, burst, measure, median_run, runs_per_minute
from bench.official import official_deployment
from operate.compose import CommandError, compose, model, webserver_url
from operate.graphql import ApiError, Client
from operate.smoke import DEMO_JOBS, FOUR_ASSETS
from operate.waiting import WaitError

REPEATS = 5
BURST = 20
DAGSTER = ("daemon", "webserver", "user_code")
BUNDLED_SOURCE = "http://users_api:8080"
# Numbers of users, which show how a run's time grows with its data.
SIZES = (25_000, 50_000, 100_000)


def latency(client: Client, job: str, repeats: int) -> Phases:
    """Prints a line and returns the median of `repeats` runs, launched one after the other."""
    client.quiet(seconds=300, every=1)
    measured = [measure(client, job) for _ in range(repeats)]
    middle, totals = median_run(measured), [each.total for each in measured]
    columns = "".join(f"{seconds:>8.2f}" for seconds in (middle.queue, middle.start, middle.steps, middle.total))
    print(f"  {job:<42}{columns}{f'{min(totals):.2f}-{max(totals):.2f}':>14}", flush=True)
    return middle


def throughput(client: Client, job: str, count: int) -> float:
    """Prints a line and returns the runs per minute of `count` runs, launched at once."""
    client.quiet(seconds=300, every=1)
    rate = runs_per_minute(burst(client, job, count))
    print(f"  {f'{count} of {job} at once, runs a minute':<66}{rate:>8.1f}", flush=True)
    return rate


def bench(
    client: Client, title: str, jobs: Sequence[str], bursts: Sequence[str], *, repeats: int = REPEATS, count: int = BURST
) -> tuple[float, float]:
    """Prints a deployment's table; returns the first job's seconds per run and the first burst's runs per minute."""
    header = "".join(f"{name:>8}" for name in ("queue", "start", "steps", "total"))
    print(f"{title}\n  {f'launch to success, median of {repeats}, seconds':<42}{header}{'spread':>14}", flush=True)
    seconds = [latency(client, job, repeats).total for job in jobs]
    rates = [throughput(client, job, count) for job in bursts]
    return seconds[0], rates[0]


def source(rows: int) -> None:
    """Makes the bundled source publish `rows` users."""
    compose("exec", "-T", "users_api", "python", "-m", "users_api.control", f"rows={rows}", capture=True)


def growth(client: Client, environment: Mapping[str, str]) -> None:
    """Prints how the four-asset run grows with the source, then restores the source and the assets."""
    if environment.get("USERS_API_URL") != BUNDLED_SOURCE:
        print("growth with the data: not measured, because the source is not the bundled one")
        return
    rows = int(model()["services"]["users_api"]["environment"]["USERS_API_ROWS"])
    try:
        for size in SIZES:
            source(size)
            client.quiet(seconds=300, every=1)
            print(
                f"  {f'users_assets_job with {size:,} users, steps, seconds':<66}{measure(client, FOUR_ASSETS).steps:>8.1f}",
                flush=True,
            )
    finally:
        source(rows)
        client.quiet(seconds=300, every=1)
        measure(client, FOUR_ASSETS)


@contextmanager
def resting() -> Iterator[None]:
    """Stops this deployment's Dagster processes meanwhile: their schedules would slow the measurement beside it."""
    compose("--progress", "quiet", "stop", *DAGSTER)
    try:
        yield
    finally:
        compose("--progress", "quiet", "up", "--detach", "--wait", "--no-recreate")


def beside_official(client: Client) -> None:
    """Measures this deployment, the official settings, and this one again, because the machine's speed changes meanwhile."""
    before = bench(client, "this deployment", DEMO_JOBS, DEMO_JOBS[:1])
    with resting(), official_deployment() as official:
        seconds, rate = bench(official, "the official example's settings", DEMO_JOBS, DEMO_JOBS[:1])
    after = bench(client, "this deployment again", DEMO_JOBS, DEMO_JOBS[:1])
    ours = [statistics.mean(pair) for pair in zip(before, after, strict=True)]
    print(f"a run takes {seconds / ours[0]:.1f} times as long with the official settings, a burst {ours[1] / rate:.1f} times")


def main(arguments: list[str]) -> int:
    """Returns the exit status. `arguments` are job names (default: the demo's), or `--official` with these jobs."""
    try:
        client = Client(webserver_url())
        if "--official" in arguments:
            beside_official(client)
        elif arguments:
            bench(client, "this deployment", arguments, arguments)
        else:
            bench(client, "this deployment", DEMO_JOBS, DEMO_JOBS)
            growth(client, model()["services"]["user_code"]["environment"])
    except (ApiError, BenchError, CommandError, WaitError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
