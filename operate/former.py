"""The release that ran before an upgrade: its Compose model, images, settings, and a copy of all data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_api.client import ApiError, Client
from dagster_api.loading import wait_until_loaded
from operate import aside, unfinished
from operate.compose import QUIET, CommandError, compose, run, run_containers, url_of
from operate.containers import code_server_start
from operate.down import of_project, remove
from operate.env_file import env_file
from operate.health import wait_until_healthy
from operate.moment import put_backups_aside
from operate.recorded import Recorded, running
from operate.releases import FOLDER
from operate.safe_file import write_safely
from operate.workspace import listed

ENV, IMAGES, VOLUMES = "env", "images.json", "volumes.json"


@dataclass(frozen=True)
class Former:
    """The former release of a project, in a folder."""

    project: str

    @property
    def folder(self) -> Path:
        """The folder with what is not in Docker."""
        return FOLDER / f"{self.project}.former"

    @property
    def dumps(self) -> Path:
        """The folder with dumps for another Postgres, if there is one."""
        return self.folder / "dumps"

    @cached_property
    def release(self) -> Recorded:
        """The record of it."""
        return Recorded(self.folder)

    @cached_property
    def model(self) -> dict[str, Any]:
        """Its Compose model."""
        return self.release.model

    def _listed(self, name: str) -> Any:
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else {}

    def _image(self) -> str:
        """An image with a shell, and without rights."""
        ids: dict[str, str] = self._listed(IMAGES)
        return ids[self.model["services"]["secrets"]["image"]]

    def begin(self) -> None:
        """Takes over the record of the release that runs. An upgrade that broke off while it built leaves other images."""
        self.bring_back_settings_and_images()
        self.forget()
        shutil.copytree(running(self.project).folder, self.folder)

    def keep_settings_and_images(self) -> None:
        """Keeps `.env`, which holds the tags of code locations, and the images."""
        if env_file().exists():
            write_safely(self.folder / ENV, env_file().read_text())
        ids = aside.image_ids(self.model)
        aside.keep_images(self.project, ids)
        write_safely(self.folder / IMAGES, json.dumps(ids))

    def data_size(self) -> int:
        """The bytes in its volumes."""
        return aside.size(self.project, aside.volumes_of(self.model), self._image())

    def keep_volumes(self) -> None:
        """Copies its volumes, which nothing may use meanwhile."""
        names, there = aside.volumes_of(self.model), self._of_the_project()
        aside.keep_volumes(self.project, names, self._image())
        # Without this list no copy is used: each is whole now.
        write_safely(self.folder / VOLUMES, json.dumps({"copied": names, "there": there}))

    def bring_back_settings_and_images(self) -> None:
        """Undoes what a build changes."""
        aside.bring_back_images(self._listed(IMAGES))
        if (self.folder / ENV).exists():
            write_safely(env_file(), (self.folder / ENV).read_text())

    def start(self) -> None:
        """Starts it with the data that is in its volumes. Code that does not load keeps nothing else from running.

        Raises:
            CommandError: a service does not become healthy.
            WaitError: the webserver does not load a code location.
        """
        with self.release.chosen():
            compose(*QUIET, "up", "--detach", "--no-build", "--remove-orphans")
            broken = wait_until_healthy(self.release.lasting)
            # Behind the edge, a host with a rootless engine or Docker Desktop cannot reach the webserver.
            with suppress(ApiError):
                url = url_of(self.model)
                for name in self._locations() - broken.keys():
                    wait_until_loaded(Client(url, name), since=code_server_start(self.project, name))

    def _locations(self) -> set[str]:
        mounts = self.model["services"]["webserver"]["volumes"]
        (workspace,) = [each["source"] for each in mounts if each["target"].endswith("/workspace.yaml")]
        return listed(Path(workspace).read_text())

    def bring_back(self) -> None:
        """Ends what runs, brings the data back if it was copied, and starts. Nothing is left to bring back afterwards.

        Raises:
            CommandError: no upgrade has broken off, or something cannot be brought back.
            WaitError: the webserver does not load a code location.
        """
        if not unfinished.is_unfinished(self.project):
            raise CommandError("no upgrade has broken off, so there is nothing to go back to")
        kept = self._listed(VOLUMES)
        if kept:
            aside.check_copies(kept["copied"])
        # The engine may still be stopping containers for a process that was killed: seen on 2026-11-30.
        end_everything(self.project)
        if kept:
            self._bring_back_volumes(kept["copied"], kept["there"])
        else:
            aside.remove_copies(self.project)
        self.bring_back_settings_and_images()
        self.release.become(running(self.project))
        self._put_backups_aside(changed=bool(kept))
        (self.folder / VOLUMES).unlink(missing_ok=True)
        unfinished.forget(self.project)
        self.start()
        self.forget()

    def _bring_back_volumes(self, copied: list[str], there: Iterable[str]) -> None:
        made_since = set(self._of_the_project()) - set(there) - set(aside.copies(self.project))
        aside.remove_volumes(sorted(made_since))
        aside.bring_back_volumes(self.project, copied, self._image())

    def _put_backups_aside(self, *, changed: bool) -> None:
        """The service `backup` has WAL of the new release, which the former database does not continue."""
        if changed and "backup" in self.model["services"]:
            with self.release.chosen():
                put_backups_aside()

    def _of_the_project(self) -> list[str]:
        return of_project("volume", self.project)

    def forget(self) -> None:
        """Removes all that was kept. The list of copies goes first: half of them must not be used."""
        (self.folder / VOLUMES).unlink(missing_ok=True)
        aside.remove_copies(self.project)
        aside.remove_images(self.project)
        shutil.rmtree(self.folder, ignore_errors=True)


def end_everything(project: str) -> None:
    """Ends and removes all containers, whatever the Compose files say of them: those may be what is broken."""
    there = of_project("container", project)
    runs = run_containers(project, running=True)
    if there or runs:
        run(["docker", "stop", *there, *runs], capture=True)
    remove("container", [*there, *runs])
    remove("network", of_project("network", project))
