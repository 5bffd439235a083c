"""The running deployment on which scenarios work."""

from __future__ import annotations

import functools
import json
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster_api.client import ASSET_JOB, ApiError, Client
from dagster_api.runs import Run
from dagster_api.schedules_and_sensors import Switch, schedule, sensor
from dagster_api.waiting import WaitError, seen, wait_for
from demo import LOCATION
from demo.evaluation.measure.event_log import Databases
from demo.evaluation.play import queries
from demo.evaluation.play.stopping import stop_here

SENSOR = "freshness_sensor"
# Enough for a busy machine of two cores. Each run takes only some seconds.
RUN_SECONDS = 120


class UnexpectedEndError(Exception):
    """A run ended with the wrong status, so its figures mean nothing. The message holds its last events."""


@dataclass
class CountingClient(Client):
    """A client that counts its calls, the cost of a question. Each call can be stopped."""

    calls: int = 0

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        """Calls `Client.query`, and counts it."""
        stop_here()
        self.calls += 1
        return super().query(text, **variables)


def key_of(asset: str) -> dict[str, list[str]]:
    """An asset's key for the API."""
    return {"path": asset.split("/")}


@dataclass
class Deployment:
    """The running deployment. Each scenario has its own object. `patience`: the seconds to wait for an event."""

    url: str
    databases: Databases
    source_url: str
    patience: float = 150
    # The report's callback for the moment of staleness.
    when_stale: Callable[[], None] = lambda: None
    client: CountingClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = CountingClient(self.url, LOCATION)

    def calls(self, ask: Callable[[], Any]) -> tuple[Any, int]:
        """The result of `ask`, and the number of its API calls."""
        before = self.client.calls
        return ask(), self.client.calls - before

    def source(self, **request: Any) -> dict[str, Any]:
        """Changes the source system's behaviour if requested; returns its settings then.

        Raises:
            ApiError: the source does not accept requests.
        """
        body = json.dumps(request).encode() if request else None
        asked = urllib.request.Request(f"{self.source_url}/control", body, method="PUT" if request else "GET")
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return dict(json.load(answer))
        except OSError as error:
            remedy = "only the bundled source can be told what to do: take USERS_API_URL out of .env, and `make up`"
            raise ApiError(f"{self.source_url}/control does not answer: {error}; {remedy}") from error

    def ended(self, run_id: str, ends: str | None = "SUCCESS") -> Run:
        """Waits for a run's end; returns the run. `ends=None` accepts every status.

        Raises:
            UnexpectedEndError: its status is not `ends`.
        """
        run = self.client.wait(run_id, seconds=RUN_SECONDS)
        if ends is not None and run.status != ends:
            raise UnexpectedEndError(f"{run.job} ended as {run.status}, not {ends}: {self.client.story(run_id)[-2000:]}")
        return run

    def all_ended(self, *run_ids: str, ends: str | None = "SUCCESS") -> tuple[Run, ...]:
        """Like `ended` for several runs. It checks after the last end, so no run goes on after a failure."""
        for run_id in run_ids:
            self.ended(run_id, ends=None)
        return tuple(self.ended(run_id, ends) for run_id in run_ids)

    def play(self, job: str, *, ends: str = "SUCCESS", **options: Any) -> Run:
        """Runs `job`; returns the run once it has ended with status `ends`."""
        return self.ended(self.client.launch(job, **options), ends)

    def materialize(self, *assets: str, **options: Any) -> Run:
        """Runs assets as the UI's Materialize button does; returns the run."""
        return self.play(ASSET_JOB, assets=assets, **options)

    def steps_again(self, run: Run, steps: Sequence[str], config: object) -> Run:
        """Re-executes some steps of a run on the stored outputs of its other steps."""
        metadata = {"parentRunId": run.run_id, "rootRunId": run.run_id}
        params = {
            "selector": {**self.client.selector, "jobName": run.job},
            "runConfigData": config,
            "mode": "default",
            "stepKeys": list(steps),
            "executionMetadata": metadata,
        }
        answer = self.client.query(queries.STEPS_AGAIN, params=params)["launchPipelineReexecution"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise ApiError(f"steps of run {run.run_id} cannot be made again: {json.dumps(answer)}")
        return self.ended(answer["run"]["runId"])

    def runs_since(self, since: float, *, job: str = "", assets: frozenset[str] = frozenset()) -> list[Run]:
        """Runs created since `since`, oldest first: of a job, or of any of some assets."""
        runs = self.client.runs(createdAfter=since, limit=1000)
        return [run for run in reversed(runs) if (run.job == job if job else assets & set(run.assets))]

    def assets(self, *wanted: str) -> list[dict[str, Any]]:
        """The API's data about some assets, or about all if none is named."""
        keys = [key_of(asset) for asset in wanted] or None
        nodes: list[dict[str, Any]] = self.client.query(queries.ASSETS, keys=keys)["assetNodes"]
        return nodes

    def job(self, name: str) -> list[dict[str, Any]]:
        """The API's data about the ops of a job."""
        selector = {**self.client.selector, "pipelineName": name}
        ops: list[dict[str, Any]] = self.client.query(queries.JOB, selector=selector)["pipelineOrError"]["solids"]
        return ops

    def culprit(self, run: Run) -> tuple[str, str]:
        """The failed step of a run and its error; both are empty unless exactly one step failed."""
        told = [event for event in self.client.events(run.run_id) if event.get("eventType") == "STEP_FAILURE"]
        return (str(told[0]["stepKey"]), str(told[0]["error"])) if len(told) == 1 else ("", "")

    def rows_fetched(self, run: Run, steps: Sequence[str]) -> int:
        """The number of rows that some steps of a run reported as fetched."""
        events = self.client.query(queries.ROWS, runId=run.run_id)["logsForRun"]["events"]
        counts = {
            event["stepKey"]: entry["intValue"]
            for event in events
            for entry in event.get("metadataEntries", ())
            if event.get("stepKey") in steps and entry["label"] == "dagster/row_count"
        }
        return sum(counts.values())

    def sensor(self) -> Switch:
        """The switch of `freshness_sensor`."""
        return sensor(self.client, SENSOR)

    def schedule(self, name: str) -> Switch:
        """The switch of a schedule."""
        return schedule(self.client, name)

    def wait_for_evaluations(self, count: int = 2) -> None:
        """Waits for new evaluations of `freshness_sensor`. After them it requests no more runs for the same data."""
        for _ in range(count if self.sensor().is_on() else 0):
            looked = functools.partial(self._evaluated_after, self._last_evaluation())
            wait_for(f"an evaluation of {SENSOR}", looked, seconds=60, every=0.5)

    def _last_evaluation(self) -> str:
        text = "SELECT max(update_timestamp)::text FROM job_ticks WHERE type = 'SENSOR' AND tick_body LIKE %s"
        return str(self.databases.dagster(text, f"%{SENSOR}%")[0][0])

    def _evaluated_after(self, before: str) -> bool:
        stop_here()
        last = self._last_evaluation()
        return seen(last != before, f"the last one was at {last}")

    def until(self, what: str, poll: Callable[[], Any]) -> Any:
        """Polls until `poll` returns something; returns that, or None after `patience` seconds."""

        def there() -> Any:
            stop_here()
            return seen(poll() or None, "nothing yet")

        try:
            return wait_for(what, there, seconds=self.patience, every=0.5)
        except WaitError:
            return None
