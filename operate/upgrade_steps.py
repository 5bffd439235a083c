"""The steps of `make upgrade` before the new release starts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import Any

from dagster_api.client import Client
from dagster_api.waiting import WaitError, seen, wait_for
from operate import aside, backup, database_move
from operate.compose import QUIET, ROOT, CommandError, compose, services, webserver_url
from operate.down import stop
from operate.former import Former
from operate.images import build
from operate.locations import locations
from operate.preflight import FREE_DISK_BYTES, GIB, free_disk

IN_PROGRESS = ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"]


def check_disk(free: int | None, here: int, data: int, *, moving: bool) -> None:
    """Checks both disks. Sizes are bytes; a move to another Postgres writes the data twice more.

    Raises:
        CommandError: a copy of the data and new images do not fit on Docker's, or a backup on that of this folder.
    """
    times = 2 if moving else 1
    for disk, found, needed, what in (
        (
            "Docker",
            free,
            FREE_DISK_BYTES + times * data,
            "a copy of the data and new images: free some with `docker system prune`",
        ),
        ("this folder", here, times * data, "a backup"),
    ):
        if found is not None and found < needed:
            raise CommandError(
                f"{found / GIB:.1f} GiB of disk for {disk} are free, and {needed / GIB:.1f} GiB are needed for {what}"
            )


def drain(seconds: float) -> None:
    """Stops the daemon, so that the queue holds, and lets runs in progress finish. Others are stopped, and retried later."""
    compose(*QUIET, "stop", "daemon")
    client = Client(webserver_url(), "")

    def ended() -> bool:
        left = client.runs(statuses=IN_PROGRESS)
        return seen(not left, f"{len(left)} runs are in progress")

    try:
        wait_for("the end of all runs", ended, seconds=seconds, every=0.5)
    except WaitError as error:
        print(f"upgrade: {error}. They are stopped now, and retried afterwards.", file=sys.stderr)


def prepare(former: Former, deployment: Mapping[str, Any]) -> None:
    """Makes a backup and builds images, while the former release runs.

    Raises:
        CommandError: one of them fails. The former release runs on.
    """
    with former.release.chosen():
        if services().get("webserver", {}).get("State") != "running":
            former.start()
        former.keep_settings_and_images()
        moving = is_moving(former, deployment)
        check_disk(free_disk(), shutil.disk_usage(ROOT).free, former.data_size(), moving=moving)
        if moving:
            database_move.check_alone()
        path = backup.make(former.model)
    print(f"upgrade: a backup is in {path.relative_to(ROOT)}", file=sys.stderr)
    build(former.project, locations(deployment))


def is_moving(former: Former, deployment: Mapping[str, Any]) -> bool:
    """Whether the data goes to another major version of Postgres."""
    return database_move.major_of(former.model) != database_move.major_of(deployment)


def set_aside(former: Former, deployment: Mapping[str, Any], wait: float) -> None:
    """Stops the former release, and copies its data.

    Raises:
        CommandError: it cannot be stopped or copied. Its data is untouched.
    """
    with former.release.chosen():
        drain(wait)
        stop(former.project)
        if is_moving(former, deployment):
            # Nothing else runs: what was written after a dump would be lost.
            compose(*QUIET, "up", "--detach", "--no-build", "--wait", "postgres")
            database_move.dump(former.dumps)
            compose(*QUIET, "down")
    former.keep_volumes()


def renamed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The volumes that have another name in the new release: their new key, and both names in Docker.

    Raises:
        CommandError: the new release has no such volume.
    """
    old, new, pairs = before["volumes"], after["volumes"], (after.get("x-renamed-volumes") or {}).items()
    if unknown := sorted(key for key, _ in pairs if key not in new):
        raise CommandError(f"x-renamed-volumes names {unknown[0]}, which no service of this release mounts")
    return [(key, old[was]["name"], new[key]["name"]) for key, was in pairs if was in old and key not in old]


def carry(former: Former, deployment: Mapping[str, Any]) -> None:
    """Brings the data to this release: volumes of another name, another Postgres.

    Raises:
        CommandError: something cannot be carried.
    """
    for new, source, target in renamed(former.model, deployment):
        aside.create(former.project, target, f"com.docker.compose.volume={new}")
        aside.copy(former.project, source, target, deployment["services"]["secrets"]["image"])
    if former.dumps.exists():
        database_move.restore(deployment, former.dumps)
    else:
        database_move.refresh_indexes()
