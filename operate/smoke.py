"""`make smoke` checks a running deployment as a user would, and prints PASS or FAIL for each check."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dagster_api.client import ApiError, Client
from dagster_api.runs import Run
from dagster_api.waiting import WaitError
from dagster_api.workspace import client_with, clients, load_errors
from operate.compose import CommandError, model, webserver_url
from operate.health import faults
from operate.locations import locations

# Jobs with this metadata run in `make smoke` and `make bench` by default. Tags would appear at each of their runs.
SMOKE = {"label": "smoke", "boolValue": True}
RUN_SECONDS = 600
NO_RUN = 'SKIP no run was launched: name jobs, make smoke JOBS="mine", or give yours metadata={"smoke": True}.'


class CheckError(Exception):
    """A check failed; the message holds the reason."""


def services_are_healthy() -> str:
    """Every service runs, and is healthy if it has a health check. A service that never restarts has exited with 0."""
    deployment = model()
    if bad := faults(deployment):
        raise CheckError(f"{'; '.join(f'{name} is {state}' for name, state in bad.items())}: see `docker compose logs`")
    return f"{len(deployment['services'])} services"


def ui_answers(url: str) -> str:
    """The webserver serves the UI's page."""
    if b'<div id="root"' not in Client(url, "").get("/"):
        raise CheckError(f"{url}/ is not the Dagster UI")
    return url


def is_loaded(url: str, name: str) -> str:
    """The webserver has loaded a code location. Returns its schedules and sensors."""
    errors = load_errors(url)
    if name not in errors:
        raise CheckError("workspace.yaml does not name it, or `make up` has not loaded it yet")
    if error := errors[name]:
        raise CheckError(error)
    return instigators(Client(url, name).repository())


def instigators(repository: Mapping[str, Any]) -> str:
    """Lists running schedules and sensors, and those that are off. Off is Dagster's default; a person decides."""
    states = {item["name"]: item["scheduleState"]["status"] for item in repository["schedules"]}
    states |= {item["name"]: item["sensorState"]["status"] for item in repository["sensors"]}
    run = sorted(name for name, status in states.items() if status == "RUNNING")
    off = sorted(states.keys() - set(run))
    said = [", ".join(run)] if run else []
    return "; ".join(said + ([f"off: {', '.join(off)}"] if off else [])) or "no schedules, no sensors"


def smoke_jobs(url: str) -> list[str]:
    """The jobs that the code locations name for this check, in alphabetical order."""
    return named_for_smoke([job for client in clients(url) for job in client.repository()["jobs"]])


def named_for_smoke(jobs: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the jobs that have the metadata."""
    return sorted(job["name"] for job in jobs if SMOKE in job["metadataEntries"])


def place(run: Run) -> str:
    """The container or the worker that executed a run.

    Raises:
        CheckError: neither did.
    """
    # The tag of an earlier run that it repeats begins with that run's id.
    if run.tags.get("dagster/worker_task", "").startswith(run.run_id):
        return f"{run.tags['dagster/code_location']}_worker"
    if container := run.tags.get("docker/container_id"):
        return f"container {container[:12]}"
    raise CheckError(f"run {run.run_id} was neither in a container nor in a worker")


def run_succeeds(url: str, job: str) -> str:
    """A run of `job` succeeds, in a container or in a worker. Its output stays readable after its end."""
    client = client_with(url, job)
    # It goes first when a slot is free: long runs may have all of them.
    run = client.wait(client.launch(job, tags={"dagster/priority": "1000"}), seconds=RUN_SECONDS)
    if run.status != "SUCCESS":
        raise CheckError(f"run {run.run_id} ended with {run.status}:\n{client.story(run.run_id)}")
    where = place(run)
    output = "".join(client.output(run.run_id))
    if run.run_id not in output:
        raise CheckError(f"the output of run {run.run_id} is not readable through the webserver")
    return f"in {where}, {len(output.splitlines())} lines of output"


def failure(name: str, check: Callable[[], str]) -> list[str]:
    """The reason if a check fails; prints its line."""
    try:
        print(f"PASS {name}: {check()}", flush=True)
    except (CheckError, ApiError, WaitError, CommandError) as error:
        print(f"FAIL {name}: {error}", flush=True)
        return [f"{name}: {error}"]
    return []


def failures(jobs: Sequence[str]) -> list[str]:
    """The reasons of failed checks. Each of `jobs` runs, or those that the code locations name.

    Raises:
        CommandError: the webserver does not run.
    """
    url = webserver_url()
    failed = failure("services are healthy", services_are_healthy) + failure("UI answers", lambda: ui_answers(url))
    for each in locations():
        failed += failure(f"code location {each.name}", functools.partial(is_loaded, url, each.name))
    # Without an answer of the API, a check above has failed.
    with suppress(ApiError):
        jobs = jobs or smoke_jobs(url)
        if not jobs:
            print(NO_RUN)
    for job in jobs:
        failed += failure(f"{job} succeeds", functools.partial(run_succeeds, url, job))
    return failed


def main(jobs: Sequence[str]) -> int:
    """Returns the exit status: 0 if every check passed.

    Raises:
        CommandError: the webserver does not run.
    """
    return bool(failures(jobs))
