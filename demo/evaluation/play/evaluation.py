"""Plays a whole evaluation: prepares, plays all lanes, restores."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from playwright.sync_api import Error as PlaywrightError

from dagster_api.loading import wait_until_loaded
from demo.evaluation.measure.event_log import Databases
from demo.evaluation.measure.results import Results
from demo.evaluation.play import queries
from demo.evaluation.play.deployment import Deployment
from demo.evaluation.play.lanes import LANES, play_lane
from demo.evaluation.play.prepare import prepared
from demo.evaluation.play.progress import Progress
from demo.evaluation.play.scenario import Scenario
from demo.evaluation.play.screenshots import take_pictures


def connect(environ: Mapping[str, str], patience: float, when_stale: Callable[[], None] = lambda: None) -> Deployment:
    """The deployment that the environment names."""
    databases = Databases(environ["WAREHOUSE_HOST"])
    return Deployment(environ["WEBSERVER_URL"], databases, environ["SOURCE_URL"], patience, when_stale)


@dataclass
class Pictures:
    """Takes screenshots of the UI, on the first call only. The report can do without them."""

    url: str
    results: Results
    progress: Progress

    def __call__(self) -> None:
        """Takes them at the moment of staleness."""
        if self.results.pictures or self.results.problems:
            return
        self.progress.say("the source is stale: taking pictures of the UI")
        try:
            self.results.pictures = take_pictures(self.url)
        except PlaywrightError as error:
            self.results.problems.append(f"no pictures of the UI: {error}")


def evaluate(
    scenarios: Sequence[type[Scenario]],
    results: Results,
    repeat: int,
    *,
    patience: float,
    machine: str,
    environ: Mapping[str, str],
) -> None:
    """Plays the scenarios, each `repeat` times. It sets `results.about` once all have ended.

    Raises:
        ApiError: the deployment refused a request.
        WaitError: the deployment cannot be reached, or cannot reach the first state.
        StoppedError: the user asked to stop before the first scenario.
    """
    progress = Progress(len(scenarios) * repeat)
    started = datetime.now(UTC)
    deployment = connect(environ, patience)
    take = Pictures(deployment.url, results, progress)

    def play(lane: str) -> None:
        mine = [scenario for scenario in scenarios if scenario.lane == lane]
        play_lane(mine, results, repeat, lambda: connect(environ, patience, take), progress)

    wait_until_loaded(deployment.client)
    about = {"repetitions": repeat, **versions(deployment), "machine": machine or f"{os.cpu_count()} processors"}
    progress.say("making everything once")
    with prepared(deployment, results), ThreadPoolExecutor(len(LANES)) as lanes:
        for playing in [lanes.submit(play, lane) for lane in LANES]:
            playing.result()
    seconds = round((datetime.now(UTC) - started).total_seconds())
    results.about = {"started": started.isoformat(timespec="seconds"), "seconds": seconds, **about}
    progress.say("writing the report")


def versions(deployment: Deployment) -> dict[str, str]:
    """The versions of Dagster, Postgres and Python."""
    return {
        "dagster": deployment.client.query(queries.VERSION)["version"],
        "postgres": str(deployment.databases.warehouse("SHOW server_version")[0][0]).split()[0],
        "python": platform.python_version(),
    }
