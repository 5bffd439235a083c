"""`make smoke`: checks a running deployment as a user would, and prints PASS or FAIL a line."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence

from operate.compose import CommandError, model, services, webserver_url
from operate.graphql import ApiError, Client
from operate.waiting import WaitError

ONE_SHOT = {"migrate", "roles", "secrets"}
# Of the demo, one of each style.
FOUR_ASSETS = "users_assets_job"
DEMO_JOBS = (FOUR_ASSETS, "data_extraction_job")


class CheckError(Exception):
    """A check failed; the message says what was found."""


def services_are_healthy() -> str:
    """Every service runs and is healthy; one-shot services have ended well."""
    wanted, found = set(model()["services"]), services()
    bad = [f"{name} is missing" for name in sorted(wanted - found.keys())]
    for name, container in sorted(found.items()):
        ended_well = name in ONE_SHOT and container["State"] == "exited" and container["ExitCode"] == 0
        if not ended_well and container.get("Health") != "healthy":
            bad.append(f"{name} is {container['State']} {container.get('Health', '')}".strip())
    if bad:
        raise CheckError(f"{'; '.join(bad)}: see `docker compose logs`")
    return f"{len(wanted)} services"


def ui_answers(client: Client) -> str:
    """The page of the UI is there."""
    if b'<div id="root"' not in client.get("/"):
        raise CheckError(f"{client.url}/ is not the Dagster UI")
    return client.url


def instigators_run(client: Client) -> str:
    """Every schedule and sensor of the code location is switched on."""
    repository = client.repository()
    states = {item["name"]: item["scheduleState"]["status"] for item in repository["schedules"]}
    states |= {item["name"]: item["sensorState"]["status"] for item in repository["sensors"]}
    if off := sorted(name for name, status in states.items() if status != "RUNNING"):
        raise CheckError(f"switched off: {', '.join(off)}")
    return ", ".join(sorted(states))


def run_succeeds(client: Client, job: str) -> str:
    """A run of `job` succeeds, in a container where runs have one, and what it wrote is readable though it has ended."""
    run = client.wait(client.launch(job))
    if run.status != "SUCCESS":
        raise CheckError(f"run {run.run_id} ended with {run.status}:\n{client.story(run.run_id)}")
    container = run.tags.get("docker/container_id")
    if not container and "launch_gateway" in model()["services"]:
        raise CheckError(f"run {run.run_id} was not in a container")
    output = "".join(client.output(run.run_id))
    if run.run_id not in output:
        raise CheckError(f"the output of run {run.run_id} is not readable through the webserver")
    where = f"container {container[:12]}" if container else "a process of the code server"
    return f"in {where}, {len(output.splitlines())} lines of output"


def checks(client: Client, jobs: Sequence[str]) -> list[tuple[str, Callable[[], str]]]:
    """The checks by name, in the order in which a failure explains the next."""
    return [
        ("services are healthy", services_are_healthy),
        ("UI answers", lambda: ui_answers(client)),
        ("schedules and sensors run", lambda: instigators_run(client)),
        *((f"{job} succeeds", functools.partial(run_succeeds, client, job)) for job in jobs),
    ]


def main(jobs: Sequence[str]) -> int:
    """Returns the exit status: 0 where every check passed. Launches a run of each of `jobs`, by default the demo's."""
    failed = 0
    try:
        client = Client(webserver_url())
    except CommandError as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 1
    for name, check in checks(client, jobs or DEMO_JOBS):
        try:
            print(f"PASS {name}: {check()}", flush=True)
        except (CheckError, ApiError, WaitError, CommandError) as error:
            failed += 1
            print(f"FAIL {name}: {error}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
