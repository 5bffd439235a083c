"""`make bench`: launches runs through GraphQL and reads their times from Dagster's own events."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from operate.compose import CommandError
from operate.graphql import ENDED, ApiError, Client, Run, WaitError, wait_for
from operate.smoke import deployment_url

REPEATS = 5
BURST = 20


class BenchError(Exception):
    """A run did not succeed, so that its time means nothing."""


@dataclass(frozen=True)
class Phases:
    """Seconds that a run spent in the queue, starting its container and process, and in its steps."""

    queue: float
    start: float
    steps: float

    @property
    def total(self) -> float:
        """From launch to success."""
        return self.queue + self.start + self.steps


def phases(run: Run, starting: float) -> Phases:
    """The phases of a run that has ended; `starting` is when it left the queue, in seconds since 1970.

    Raises:
        BenchError: it did not succeed.
    """
    if run.status != "SUCCESS" or run.started is None or run.ended is None:
        raise BenchError(f"run {run.run_id} of {run.job} ended with {run.status}")
    return Phases(starting - run.created, run.started - starting, run.ended - run.started)


def medians(measured: list[Phases]) -> Phases:
    """The run with the median total time, of an odd number of runs."""
    return sorted(measured, key=lambda each: each.total)[len(measured) // 2]


def runs_per_minute(runs: list[Run]) -> float:
    """Runs ended a minute, from the first launch to the last end."""
    ended = max(run.ended or 0 for run in runs)
    return len(runs) * 60 / (ended - min(run.created for run in runs))


def measure(client: Client, job: str) -> Phases:
    """Launches a run by itself and waits for it."""
    run_id = client.launch(job)
    run = client.wait(run_id)
    starting = next(float(event["timestamp"]) / 1000 for event in client.events(run_id) if event["eventType"] == "RUN_STARTING")
    return phases(run, starting)


def burst(client: Client, job: str, count: int) -> list[Run]:
    """Launches `count` runs at once and waits for all.

    Raises:
        BenchError: one of them did not succeed.
    """
    ids = [client.launch(job) for _ in range(count)]

    def ended() -> list[Run] | None:
        runs = client.runs(runIds=ids)
        return runs if all(run.status in ENDED for run in runs) else None

    # One query a second: asking costs the machine that is being measured.
    runs = wait_for(f"the end of {count} runs of {job}", ended, seconds=count * 15, every=1)
    if bad := [run.run_id for run in runs if run.status != "SUCCESS"]:
        raise BenchError(f"{len(bad)} of {count} runs of {job} did not succeed: {', '.join(bad)}")
    return runs


def quiet(client: Client) -> None:
    """Waits until no run is under way, so that only the measured ones count."""
    statuses = ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"]
    wait_for("the end of runs under way", lambda: not client.runs(limit=1, statuses=statuses), seconds=300, every=1)


def main() -> int:
    """Prints two tables; returns the exit status."""
    client = Client(deployment_url())
    try:
        print(f"{f'launch to success, median of {REPEATS}, s':<42}{'queue':>8}{'start':>8}{'steps':>8}{'total':>8}{'spread':>14}")
        for job in ("users_assets_job", "data_extraction_job"):
            quiet(client)
            measured = [measure(client, job) for _ in range(REPEATS)]
            middle, totals = medians(measured), [each.total for each in measured]
            spread = f"{min(totals):.2f}-{max(totals):.2f}"
            print(
                f"{job:<42}{middle.queue:>8.2f}{middle.start:>8.2f}{middle.steps:>8.2f}{middle.total:>8.2f}{spread:>14}",
                flush=True,
            )
        for job in ("users_assets_job", "data_extraction_job"):
            quiet(client)
            rate = runs_per_minute(burst(client, job, BURST))
            print(f"{f'{BURST} runs of {job} at once, runs a minute':<66}{rate:>8.1f}", flush=True)
    except (ApiError, BenchError, CommandError, WaitError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
