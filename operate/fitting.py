"""Whether a backup fits a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from operate import backup, volumes
from operate.archive import Archive
from operate.compose import CommandError
from operate.preflight import GIB


def problems(archive: Archive, deployment: Mapping[str, Any], image_major: int, free: int | None) -> list[str]:
    """One sentence for each reason why the backup does not fit this deployment."""
    unknown = sorted({name.removesuffix(".tar") for name in archive.names("volumes")} - set(volumes.kept(deployment)))
    major = int(archive.manifest["postgres_major"])
    found = [
        unknown
        and f"the backup holds the volume {unknown[0]}, which this deployment has not: add the code location that it belongs to "
        f"(make location), or set COMPOSE_FILE and RUN_ISOLATION in .env as {backup.SETTINGS} in the backup says",
        image_major < major
        and f"the backup is of Postgres {major}, and this deployment has {image_major}: set POSTGRES_IMAGE in .env",
        free is not None
        and free < 2 * archive.size
        and f"{free / GIB:.1f} GiB of disk for Docker are free, and {2 * archive.size / GIB:.1f} GiB are needed",
    ]
    return [problem for problem in found if problem]


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version."""
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def check_dagster(archive: Archive, deployment: Mapping[str, Any]) -> None:
    """Raises `CommandError` if the backup's Dagster is newer: its tables cannot go back."""
    here = backup.dagster_version(deployment["services"]["secrets"]["image"])
    if version(archive.manifest["dagster"]) > version(here):
        raise CommandError(
            f"the backup is of Dagster {archive.manifest['dagster']}, and this release has {here}: take a newer one"
        )
