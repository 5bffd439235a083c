"""`make deploy` replaces the code of a running code location without an interruption; `make deploy BACK=1` takes it back.

The new image is built and its definitions are loaded once, apart. Then a second code server starts beside the old one. Runs
keep the image with which they were launched.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any

from dagster_api import queries
from dagster_api.client import ApiError, Client
from dagster_api.loading import wait_until_loaded
from dagster_api.runs import UNDER_WAY
from operate.alone import alone
from operate.code_server import is_current, replace
from operate.compose import QUIET, CommandError, code_server_start, compose, model, webserver_url
from operate.images import adopt, build_locations, current_tag
from operate.locations import Location, locations
from operate.releases import before, check_image, file_of, remove_surplus, tags_in, with_release
from operate.workspace import load_workspace

# dagster_services.secrets.hand_out says so.
CHANGED = "its .env has changed"


def hand_out_secrets(location: Location, env: Mapping[str, str]) -> bool:
    """Gives the location its passwords and its project's `.env`; returns whether `.env` has changed."""
    said = compose(*QUIET, "run", "--rm", "--no-deps", "-T", f"{location.name}_secrets", capture=True, env=env)
    return CHANGED in said


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


def check_runs(deployment: Mapping[str, Any]) -> None:
    """Raises `CommandError` if runs would end with their code server: with RUN_ISOLATION=process they are its processes."""
    if "launch_gateway" in deployment["services"]:
        return
    if runs := Client(webserver_url(), "").runs(statuses=UNDER_WAY):
        raise CommandError(f"{len(runs)} runs are in progress, and would end with their code server: wait for their end")


def release(deployment: Mapping[str, Any], location: Location, tag: str) -> bool:
    """Makes `tag` the location's image; returns whether anything had to change.

    Raises:
        CommandError: its definitions do not load, or the code server does not start; the old code serves on.
    """
    project, env = deployment["name"], {**os.environ, location.tag_variable: tag}
    changed = hand_out_secrets(location, env)
    if not changed and is_current(project, location, tag, env):
        print(f"{location.name}: its code is up to date ({tag})")
        return False
    check_definitions(location, env)
    check_runs(deployment)
    replace(project, location, tag, env)
    return True


def reload(location: Location, names: Sequence[str]) -> None:
    """Makes the webserver load the new definitions: a request may have met the old server while both were there."""
    client = Client(webserver_url(), location.name)
    load_workspace(client.url, names)
    client.query(queries.RELOAD_LOCATION, name=location.name)
    wait_until_loaded(client, since=code_server_start(location.name))


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


def settle(project: str, location: Location, tag: str) -> None:
    """Removes images that nobody needs. With runs in the queue all stay: each needs the image that it was launched with."""
    if not Client(webserver_url(), location.name).runs(statuses=["QUEUED"], limit=1):
        remove_surplus(location, tags_in(file_of(project, location)), tag)


def switch(deployment: Mapping[str, Any], location: Location, tag: str, releases: Sequence[str], names: Sequence[str]) -> None:
    """Releases `tag`, and keeps `releases` as the list of the location's releases."""
    replaced = release(deployment, location, tag)
    if location.tag_variable not in os.environ:
        adopt(deployment["name"], location, tag, releases)
    if replaced:
        print(f"{location.name}: {tag} serves")
        reload(location, names)


def forward(deployment: Mapping[str, Any], wanted: Sequence[Location], names: Sequence[str]) -> None:
    """Builds and releases."""
    project = deployment["name"]
    tags = build_locations(wanted, *(each.name for each in wanted))
    for location in wanted:
        tag = tags.get(location.tag_variable) or os.environ[location.tag_variable]
        switch(deployment, location, tag, with_release(tags_in(file_of(project, location)), current_tag(location), tag), names)
        settle(project, location, tag)


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


def check_webserver() -> None:
    """Raises `CommandError` if the webserver does not answer."""
    try:
        Client(webserver_url(), "").get("/server_info")
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
        check_webserver()
        check_runs(deployment)
        (back if options.back else forward)(deployment, wanted, [each.name for each in hosted])
    return 0
