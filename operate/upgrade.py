"""`make upgrade` makes this checkout's release run, with all data. If it does not work, the former release runs again.

Runs finish first, and the queue stays. Volumes are copied while nothing runs. Until every check of `make smoke` has passed,
any failure brings images and volumes back.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from operate import unfinished
from operate.alone import alone
from operate.compose import CommandError, model
from operate.env_file import env_file
from operate.former import Former
from operate.preflight import check_deployment
from operate.recorded import NOTHING, config, record, running
from operate.smoke import failures
from operate.unfinished import FAILURES, said
from operate.up import choose_files, ensure_base_images, start, start_engine
from operate.upgrade_steps import carry, prepare, set_aside
from operate.worker_host import say_who_is_behind
from operate.worker_size import size_workers

WAIT_SECONDS = 600
BACK = "`make upgrade BACK=1` brings the former release and its data back."


def replace(former: Former, deployment: Mapping[str, Any], wait: float) -> None:
    """Stops the former release, copies its data, and starts this one with it.

    Raises:
        CommandError: it does not start, or a check of `make smoke` fails.
    """
    set_aside(former, deployment, wait)
    carry(former, deployment)
    start()
    if failed := failures([]):
        raise CommandError("\n".join(failed))
    record(former.project)


def change(former: Former, deployment: Mapping[str, Any], wait: float) -> None:
    """Replaces the former release.

    Raises:
        CommandError: the former release runs again, with its data. The message ends with the reason.
    """
    try:
        prepare(former, deployment)
    except FAILURES as error:
        former.bring_back_settings_and_images()
        former.forget()
        raise CommandError(f"nothing was stopped or changed. The reason: {said(error)}") from error
    try:
        with unfinished.in_between(former.project, BACK, "upgrade"):
            replace(former, deployment, wait)
    except CommandError as error:
        # `in_between` has raised it from the reason.
        reason = said(error.__cause__ or error)
        print(f"upgrade: it failed, so the former release comes back: {reason}", file=sys.stderr)
        former.bring_back()
        raise CommandError(f"the former release runs again, with all data. The reason: {reason}") from error
    former.forget()


def check_same_name(project: str, former: Path) -> None:
    """Raises `CommandError` if the release in another folder has data of its own."""
    if (name := config(former)["name"]) != project:
        said = f"the project of {former} is '{name}', and that of this folder is '{project}'"
        raise CommandError(f"{said}: set COMPOSE_PROJECT_NAME={name} in .env")


def upgrade(options: argparse.Namespace) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the former release runs, or runs again. The message says why.
    """
    choose_files(env_file(), os.environ)
    project = model()["name"]
    unfinished.check(project)
    size_workers(env_file())
    if options.former:
        check_same_name(project, Path(options.former).resolve())
        record(project, Path(options.former).resolve())
    if not running(project).is_there:
        raise CommandError(NOTHING)
    if not check_deployment(moving=True):
        return 1
    ensure_base_images(os.environ)
    former = Former(project)
    former.begin()
    change(former, model(), options.wait)
    with suppress(CommandError):
        say_who_is_behind(model())
    print(f"upgrade: this release runs, with Dagster {running(project).dagster}")
    return 0


def main(words: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the former release runs, or runs again. The message says why.
    """
    parser = argparse.ArgumentParser("upgrade", description=__doc__)
    parser.add_argument("former", nargs="?", default="", help="the folder of the release that runs")
    parser.add_argument("--back", action="store_true", help="bring the former release back after an upgrade that broke off")
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS, help="seconds that runs in progress get to finish")
    options = parser.parse_args(words)
    if status := start_engine():
        return status
    with alone():
        if options.back:
            Former(model()["name"]).bring_back()
            print("upgrade: the former release runs again")
            return 0
        return upgrade(options)
