"""Plays scenarios: repetitions in sequence, two lanes in parallel."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Error as PlaywrightError

from dagster_api.client import ASSET_JOB
from dagster_api.loading import wait_until_loaded
from demo.evaluation import queries
from demo.evaluation.event_log import Databases
from demo.evaluation.results import Result, Results
from demo.evaluation.screenshots import take_pictures
from demo.evaluation.stage import Stage
from demo.evaluation.stopping import StoppedError, stopping, unstoppable

SCHEDULES = ("users_assets_schedule", "data_extraction_schedule")
COOKIES = (
    "ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies",
    "peanuts", "peanut_cookie_dough", "peanut_cookies",
)  # fmt: skip


@dataclass
class Progress:
    """Reports progress on standard error: repetitions done, their total, and the time."""

    total: int
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, what: str, steps: int = 1) -> None:
        """Counts repetitions that are done, or that will not be played."""
        with self.lock:
            self.done += steps
            self.say(f"[{self.done:>2}/{self.total}] {what}")

    def say(self, what: str) -> None:
        """Prints a line."""
        print(f"evaluate: {time.monotonic() - self.started:4.0f} s {what}", file=sys.stderr, flush=True)


def make_stage(environ: Mapping[str, str], patience: float, when_stale: Callable[[], None] = lambda: None) -> Stage:
    """A stage for the deployment that the environment names."""
    databases = Databases(environ["WAREHOUSE_HOST"])
    return Stage(environ["WEBSERVER_URL"], databases, environ["SOURCE_URL"], patience, when_stale)


@contextmanager
def prepared(stage: Stage, results: Results) -> Iterator[None]:
    """Turns schedules off and makes all data; afterwards restores schedules, sensor, source and data.

    A failed restore becomes a problem in the results. The others still happen.
    """
    with ExitStack() as undo:
        for switch in (*map(stage.schedule, SCHEDULES), stage.sensor()):
            undo.callback(_restore, results, f"{switch.name} is not as it was", switch.turn, on=switch.is_on())
        for name in SCHEDULES:
            stage.schedule(name).turn(on=False)
        behaviour = stage.source()["behaviour"]
        undo.callback(_restore, results, f"the source may do anything but {behaviour}", stage.source, behaviour=behaviour)
        undo.callback(_restore, results, "some data may be bad", _make_good, stage, results)
        undo.callback(_restore, results, "the source may be silent", stage.source, behaviour="ok")
        stage.source(behaviour="ok")
        stage.client.quiet(seconds=180)
        make_everything(stage)
        yield


def _restore(results: Results, otherwise: str, action: Callable[..., object], *arguments: Any, **options: Any) -> None:
    try:
        with unstoppable():
            action(*arguments, **options)
    except Exception as error:  # noqa: BLE001 - the report shows every error, and the other changes are restored
        results.problems.append(f"{otherwise}: {error}")


def _make_good(stage: Stage, results: Results) -> None:
    """Makes all data again if a scenario ended early: it may have left bad data."""
    if stopping.is_set() or any(result.error for result in results.scenarios.values()):
        stage.client.quiet(seconds=180)
        make_everything(stage)


def make_everything(stage: Stage) -> None:
    """Makes all data of both styles, from a healthy source."""
    tags = {"dagster/asset_partition_range_start": "1", "dagster/asset_partition_range_end": "10"}
    stage.all_ended(
        stage.client.launch("users_assets_job"),
        stage.client.launch("data_extraction_job"),
        stage.client.launch(ASSET_JOB, assets=COOKIES),
        stage.client.launch(ASSET_JOB, assets=("user_posts",), tags=tags),
    )


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


LANES = ("users", "others")
# Locks for things that both lanes use, by the names in `holds`.
LOCKS = {"sensor": threading.Lock(), "source": threading.Lock()}


def play_lane(lane: str, results: Mapping[str, Result], repeat: int, stage: Callable[[], Stage], progress: Progress) -> None:
    """Plays a lane's scenarios, each while it holds its locks. A failed one does not end the others."""
    for result in [result for result in results.values() if result.scenario.lane == lane]:
        with ExitStack() as held:
            for name in sorted(result.scenario.holds):
                held.enter_context(LOCKS[name])
            play_scenario(result, repeat, stage, progress)


def play_scenario(result: Result, repeat: int, stage: Callable[[], Stage], progress: Progress) -> None:
    """Plays its repetitions until one fails: a row's figures come from the same repetitions."""
    for number in range(1, repeat + 1):
        if stopping.is_set():
            return
        try:
            result.played.append(result.scenario(stage(), number).play())
        except StoppedError:
            return
        except Exception as error:  # noqa: BLE001 - the report shows every error
            result.error = told(error)
            progress.step(f"{result.scenario.title}, {number} of {repeat}: FAILED", steps=repeat - number + 1)
            return
        progress.step(f"{result.scenario.title}, {number} of {repeat}")


def told(error: BaseException) -> str:
    """An error as text, with the one before it: the scenario's, if restoring failed too."""
    own = f"{type(error).__name__}: {error}"
    return f"{own}, after {told(error.__context__)}" if error.__context__ and not error.__cause__ else own


def evaluate(results: Results, repeat: int, patience: float, machine: str, environ: Mapping[str, str]) -> None:
    """Plays the scenarios of `results`, each `repeat` times. It sets `results.about` once all have ended.

    Raises:
        ApiError: the deployment refused a request.
        WaitError: the deployment cannot be reached, or cannot reach the first state.
        StoppedError: the user asked to stop before the first scenario.
    """
    progress = Progress(len(results.scenarios) * repeat)
    started = datetime.now(UTC)
    stage = make_stage(environ, patience)
    take = Pictures(stage.url, results, progress)

    def play(lane: str) -> None:
        play_lane(lane, results.scenarios, repeat, lambda: make_stage(environ, patience, take), progress)

    wait_until_loaded(stage.client)
    about = {"repetitions": repeat, **versions(stage), "machine": machine or f"{os.cpu_count()} processors"}
    progress.say("making everything once")
    with prepared(stage, results), ThreadPoolExecutor(len(LANES)) as lanes:
        for playing in [lanes.submit(play, lane) for lane in LANES]:
            playing.result()
    seconds = round((datetime.now(UTC) - started).total_seconds())
    results.about = {"started": started.isoformat(timespec="seconds"), "seconds": seconds, **about}
    progress.say("writing the report")


def versions(stage: Stage) -> dict[str, str]:
    """The versions of Dagster, Postgres and Python."""
    return {
        "dagster": stage.client.query(queries.VERSION)["version"],
        "postgres": str(stage.databases.warehouse("SHOW server_version")[0][0]).split()[0],
        "python": platform.python_version(),
    }
