"""`make deploy` replaces the code of a running code location without an interruption; `make deploy BACK=1` takes it back.

The new image is built and its definitions are loaded once, apart. Then a second code server starts beside the old one. Runs
keep the image with which they were launched.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from dagster_api import queries
from dagster_api.client import ApiError, Client
from dagster_api.loading import wait_until_loaded
from dagster_api.runs import Run
from dagster_api.waiting import WaitError, seen, wait_for
from operate import unfinished
from operate.alone import alone
from operate.code_server import drain_workers, end_code_servers, hand_out_secrets, image_of, is_current, start_beside
from operate.compose import QUIET, CommandError, compose, model, url_of
from operate.containers import code_server_start, containers
from operate.images import adopt, build_locations, current_tag
from operate.locations import Location, has_worker, locations
from operate.recorded import check_same_dagster, record
from operate.releases import before, check_image, file_of, remove_surplus, tags_in, with_release
from operate.worker_host import say_who_is_behind
from operate.workspace import load_workspace

# A worker of the old code ends when the runs that were launched with it have left the queue.
QUEUE_SECONDS = 30


def check_definitions(location: Location, env: Mapping[str, str]) -> None:
    """Loads the definitions in the new image, with the location's environment.

    Raises:
        CommandError: they do not load; the message ends with the end of the traceback.
    """
    check = ("python", "-P", "-m", "dagster_code_server.check")
    try:
        compose(*QUIET, "run", "--rm", "--no-deps", "-T", location.name, *check, capture=True, env=env)
    except CommandError as error:
        reason = str(error).partition(" failed: ")[2]
        raise CommandError(f"{location.name} does not load, so its old code serves on:\n{reason}") from error


def replace(deployment: Mapping[str, Any], location: Location, tag: str, env: Mapping[str, str]) -> list[str]:
    """Replaces the code server; returns the ids of the old workers, which take runs still.

    The new worker comes first: a run needs one of its image.

    Raises:
        CommandError: a new one does not start; the old code serves on.
    """
    project, image = deployment["name"], image_of(location, tag)
    workers = start_beside(project, location.worker, image, env) if has_worker(deployment, location) else []
    try:
        end_code_servers(start_beside(project, location.name, image, env))
    except BaseException:
        drain_workers([each["Id"] for each in containers(project, location.worker) if each["Id"] not in workers])
        raise
    return workers


def retire(url: str, location: Location, workers: Sequence[str]) -> None:
    """Lets the workers of the old code end, unless runs that were launched with it wait in the queue for longer."""
    if left := queued_before(url, location, time.time()) if workers else 0:
        print(f"{location.name}: the worker of its old code stays for {left} runs in the queue, until the next deployment")
    else:
        drain_workers(workers)


def queued_before(url: str, location: Location, since: float) -> int:
    """The number of runs that still wait after a while, and were launched before `since`, in seconds since 1970."""
    client = Client(url, location.name)
    mine = {"key": "dagster/code_location", "value": location.name}

    def waiting() -> list[Run]:
        runs = client.runs(statuses=["QUEUED", "STARTING"], tags=[mine])
        return [each for each in runs if each.created < since]

    with suppress(WaitError):
        wait_for("an empty queue", lambda: seen(not waiting(), "runs wait"), seconds=QUEUE_SECONDS, every=0.5)
    return len(waiting())


def release(deployment: Mapping[str, Any], location: Location, tag: str) -> list[str] | None:
    """Makes `tag` the location's image; returns the ids of its old workers, or None if nothing had to change.

    Raises:
        CommandError: its definitions do not load, or the code server does not start; the old code serves on.
    """
    project, env = deployment["name"], {**os.environ, location.tag_variable: tag}
    changed = hand_out_secrets(location, env)
    services = [location.name, *([location.worker] if has_worker(deployment, location) else [])]
    if not changed and all(is_current(project, service, location, tag, env) for service in services):
        print(f"{location.name}: its code is up to date ({tag})")
        return None
    check_definitions(location, env)
    return replace(deployment, location, tag, env)


def reload(deployment: Mapping[str, Any], location: Location, names: Sequence[str]) -> None:
    """Makes the webserver load the new definitions: a request may have met the old server while both were there."""
    client = Client(url_of(deployment), location.name)
    client.query(queries.RELOAD_LOCATION, name=location.name)
    wait_until_loaded(client, since=code_server_start(deployment["name"], location.name), again=True)
    load_workspace(deployment, names)


def chosen(names: Sequence[str], hosted: Sequence[Location]) -> list[Location]:
    """The code locations to deploy: the named ones, or all.

    Raises:
        CommandError: there is no location of that name.
    """
    known = [each.name for each in hosted]
    for name in names:
        if name not in known:
            raise CommandError(f"there is no code location {name}: there are {', '.join(known)}")
    return [each for each in hosted if not names or each.name in names]


def settle(deployment: Mapping[str, Any], location: Location, tag: str) -> None:
    """Removes images that nobody needs. With runs in the queue all stay: each needs the image that it was launched with."""
    if not Client(url_of(deployment), location.name).runs(statuses=["QUEUED"], limit=1):
        remove_surplus(location, tags_in(file_of(deployment["name"], location)), tag)


def switch(deployment: Mapping[str, Any], location: Location, tag: str, releases: Sequence[str], names: Sequence[str]) -> None:
    """Releases `tag`, and keeps `releases` as the list of the location's releases."""
    workers = release(deployment, location, tag)
    if location.tag_variable not in os.environ:
        adopt(deployment["name"], location, tag, releases)
    if workers is not None:
        print(f"{location.name}: {tag} serves")
        # Until then the webserver launches runs with the old image.
        reload(deployment, location, names)
        retire(url_of(deployment), location, workers)


def forward(deployment: Mapping[str, Any], wanted: Sequence[Location], names: Sequence[str]) -> None:
    """Builds and releases."""
    project = deployment["name"]
    tags = build_locations(wanted, *(each.name for each in wanted))
    for location in wanted:
        tag = tags.get(location.tag_variable) or os.environ[location.tag_variable]
        switch(deployment, location, tag, with_release(tags_in(file_of(project, location)), current_tag(location), tag), names)
        settle(deployment, location, tag)


def back(deployment: Mapping[str, Any], wanted: Sequence[Location], names: Sequence[str]) -> None:
    """Releases the image before the current one. Nothing changes unless every chosen location has one.

    The releases after it stay known until the next deployment.
    """
    releases = {each.name: tags_in(file_of(deployment["name"], each)) for each in wanted}
    tags = {each.name: before(each.name, releases[each.name], current_tag(each)) for each in wanted}
    for location in wanted:
        check_image(location, tags[location.name])
    for location in wanted:
        switch(deployment, location, tags[location.name], releases[location.name], names)


def check_webserver(deployment: Mapping[str, Any]) -> None:
    """Raises `CommandError` if the webserver does not answer."""
    try:
        Client(url_of(deployment), "").get("/server_info")
    except ApiError as error:
        raise CommandError(f"{error}; is the deployment up? make up") from error


def main(words: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the new code does not load or start; the old code serves on.
        ApiError: the webserver does not answer.
    """
    parser = argparse.ArgumentParser("deploy", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--back", action="store_true")
    options = parser.parse_args(words)
    with alone():
        deployment = model()
        hosted = locations(deployment)
        wanted = chosen(options.names, hosted)
        check_webserver(deployment)
        unfinished.check(deployment["name"])
        check_same_dagster(deployment["name"])
        (back if options.back else forward)(deployment, wanted, [each.name for each in hosted])
        record(deployment["name"])
        say_who_is_behind(deployment)
    return 0
