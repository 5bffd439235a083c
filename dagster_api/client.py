"""A client for the webserver's GraphQL API: launch runs, wait for them, read their events."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster_api import queries
from dagster_api.runs import ENDED, UNDER_WAY, Run, parse_run
from dagster_api.waiting import NotYetError, WaitError, seen, wait_for

# Dagster's name of the repository that a code location's `Definitions` become.
REPOSITORY = "__repository__"
# Dagster's own job of all assets. The UI launches it for selected assets.
ASSET_JOB = "__ASSET_JOB"


# Requests to this machine use no proxy, even if the environment names one.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ApiError(NotYetError):
    """The webserver cannot be reached, or refused a request. The message holds its answer. `wait_for` polls again."""


def _messages(error: dict[str, Any]) -> list[str]:
    return [error["message"], *(cause["message"] for cause in error.get("causes") or ())]


@dataclass
class Client:
    """The API at `url`, for instance http://127.0.0.1:3000, and the code location whose jobs and schedules are meant."""

    url: str
    location: str
    # The seconds that one answer may take.
    patience: float = 30

    @property
    def selector(self) -> dict[str, str]:
        """The code location's repository, as the API names it."""
        return {"repositoryName": REPOSITORY, "repositoryLocationName": self.location}

    def get(self, path: str) -> bytes:
        """The body of a GET request.

        Raises:
            ApiError: no answer, or an error status.
        """
        return self._open(urllib.request.Request(f"{self.url}{path}"))

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        """The data of a query or mutation.

        Raises:
            ApiError: no answer, or an answer with errors.
        """
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        answer = json.loads(self._open(request))
        if answer.get("errors"):
            raise ApiError(f"the API answered {json.dumps(answer['errors'])[:2000]}")
        data: dict[str, Any] = answer["data"]
        return data

    def launch(
        self, job: str, *, assets: tuple[str, ...] = (), config: object = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Launches a job, or only its `assets`; returns the run's id.

        Raises:
            ApiError: the launch was refused.
        """
        selector: dict[str, Any] = {**self.selector, "jobName": job}
        if assets:
            selector["assetSelection"] = [{"path": asset.split("/")} for asset in assets]
        metadata = {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]}
        params = {"selector": selector, "runConfigData": config or {}, "mode": "default", "executionMetadata": metadata}
        return self._launched(self.query(queries.LAUNCH, params=params)["launchRun"])

    def reexecute(self, run_id: str, strategy: str = "FROM_FAILURE") -> str:
        """Re-executes a run from failure or whole (`ALL_STEPS`); returns the new run's id."""
        params = {"parentRunId": run_id, "strategy": strategy}
        return self._launched(self.query(queries.REEXECUTE, params=params)["launchRunReexecution"])

    def terminate(self, run_id: str) -> None:
        """Asks a run to stop.

        Raises:
            ApiError: the run cannot be stopped.
        """
        answer = self.query(queries.TERMINATE, runId=run_id)["terminateRun"]
        if answer["__typename"] != "TerminateRunSuccess":
            raise ApiError(f"run {run_id} cannot be terminated: {json.dumps(answer)}")

    def run(self, run_id: str) -> Run:
        """One run, with its steps.

        Raises:
            ApiError: there is no such run.
        """
        answer = self.query(queries.RUN, runId=run_id)["runOrError"]
        if answer["__typename"] != "Run":
            raise ApiError(f"there is no run {run_id}")
        return parse_run(answer)

    def runs(self, *, limit: int = 100, **filters: object) -> list[Run]:
        """Runs, newest first. `filters` are fields of the API's RunsFilter, such as `pipelineName` or `statuses`.

        Raises:
            ApiError: a filter is not allowed.
        """
        answer = self.query(queries.RUNS, filter=filters, limit=limit)["runsOrError"]
        if answer["__typename"] != "Runs":
            raise ApiError(f"runs cannot be listed: {json.dumps(answer)}")
        return [parse_run(run) for run in answer["results"]]

    def wait(self, run_id: str, *, seconds: float = 120) -> Run:
        """Waits until a run has ended with any status; returns it.

        Raises:
            WaitError: it has not ended; the message holds its last status and events.
        """

        def ended() -> Run:
            run = self.run(run_id)
            return seen(run if run.status in ENDED else None, f"it is {run.status}")

        try:
            return wait_for(f"the end of run {run_id}", ended, seconds=seconds)
        except WaitError as error:
            try:
                story = self.story(run_id)
            except ApiError as silent:
                story = str(silent)
            raise WaitError(f"{error}\n{story}") from error

    def quiet(self, *, seconds: float, every: float | None = None) -> None:
        """Waits until no run is in progress.

        Raises:
            WaitError: some runs still are; the message names them.
        """

        def nothing() -> bool:
            runs = self.runs(statuses=UNDER_WAY)
            return seen(not runs, ", ".join(f"{run.job} {run.run_id} is {run.status}" for run in runs))

        wait_for("the end of runs under way", nothing, seconds=seconds, every=every)

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """All events of a run, oldest first.

        Raises:
            ApiError: there is no such run.
        """
        events: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.query(queries.EVENTS, runId=run_id, cursor=cursor)["logsForRun"]
            if page["__typename"] != "EventConnection":
                raise ApiError(f"there is no run {run_id}")
            events += page["events"]
            cursor = page["cursor"]
            if not page["hasMore"]:
                return events

    def story(self, run_id: str) -> str:
        """The last events of a run as text, for messages."""
        events = self.events(run_id)[-30:]
        return "\n".join(f"{event.get('eventType')} {event.get('stepKey')} {event.get('message')}" for event in events)

    def output(self, run_id: str) -> tuple[str, str]:
        """The stdout and stderr of a run, as the webserver shows them."""
        captured = [event for event in self.events(run_id) if event["__typename"] == "LogsCapturedEvent"]
        texts = [self.query(queries.LOGS, key=[run_id, "compute_logs", event["fileKey"]])["capturedLogs"] for event in captured]
        return "".join(text["stdout"] or "" for text in texts), "".join(text["stderr"] or "" for text in texts)

    def errors(self, run_id: str) -> str:
        """The messages of all errors of a run's steps, causes included."""
        errors = [event["error"] for event in self.events(run_id) if event.get("error")]
        return "\n".join(message for error in errors for message in _messages(error))

    def freshness(self, asset: str) -> str | None:
        """The freshness daemon's last status: HEALTHY, WARNING, DEGRADED or UNKNOWN; None without a policy."""
        (node,) = self.query(queries.FRESHNESS, keys=[{"path": asset.split("/")}])["assetNodes"]
        info = node["freshnessStatusInfo"]
        return str(info["freshnessStatus"]) if info else None

    def sensor_log(self, name: str) -> str:
        """The log messages of a sensor's last ticks."""
        state = self.query(queries.SENSOR_LOG, selector={**self.selector, "sensorName": name})["sensorOrError"]["sensorState"]
        return "\n".join(event["message"] for tick in state["ticks"] for event in tick["logEvents"]["events"])

    def repository(self) -> dict[str, Any]:
        """The code location's jobs, schedules, sensors and assets, from the API.

        Raises:
            ApiError: the code location is not loaded.
        """
        repository: dict[str, Any] = self.query(queries.INSTIGATORS, selector=self.selector)["repositoryOrError"]
        if not repository:
            raise ApiError(f"the code location {self.location} is not loaded")
        return repository

    def _launched(self, answer: dict[str, Any]) -> str:
        if answer["__typename"] != "LaunchRunSuccess":
            raise ApiError(f"the launch was refused: {json.dumps(answer)}")
        return str(answer["run"]["runId"])

    def _open(self, request: urllib.request.Request) -> bytes:
        try:
            with DIRECT.open(request, timeout=self.patience) as response:
                body: bytes = response.read()
                return body
        except urllib.error.HTTPError as error:
            raise ApiError(f"{self.url} answers {error.code}: {error.read()[:2000].decode(errors='replace')}") from error
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(f"{self.url} does not answer: {error}") from error
