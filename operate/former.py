"""The release that ran before an upgrade: its Compose model, images, settings, and a copy of all data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_api.client import Client
from dagster_api.loading import wait_until_loaded
from operate import aside
from operate.compose import QUIET, CommandError, code_server_start, compose, run, run_containers, webserver_url
from operate.down import of_project, remove
from operate.env_file import env_file
from operate.health import wait_until_healthy
from operate.moment import put_backups_aside
from operate.recorded import Recorded, running
from operate.releases import FOLDER
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
        """Its Compose model."""
        return Recorded(self.folder)

    @cached_property
    def model(self) -> dict[str, Any]:
        """Its Compose model, parsed."""
        return self.release.model

    def _listed(self, name: str) -> Any:
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else {}

    def _image(self) -> str:
        """An image with a shell, and without rights."""
        ids: dict[str, str] = self._listed(IMAGES)
        return ids[self.model["services"]["secrets"]["image"]]

    def begin(self) -> None:
        """Takes over the record of the release that runs. Copies of an upgrade that broke off early are removed."""
        self.forget()
        shutil.copytree(running(self.project).folder, self.folder)

    def keep_settings_and_images(self) -> None:
        """Keeps `.env`, which holds the tags of code locations, and the images."""
        if env_file().exists():
            shutil.copy2(env_file(), self.folder / ENV)
        ids = aside.image_ids(self.model)
        aside.keep_images(self.project, ids)
        (self.folder / IMAGES).write_text(json.dumps(ids))

    def data_size(self) -> int:
        """The bytes in its volumes."""
        return aside.size(aside.volumes_of(self.model), self._image())

    def keep_volumes(self) -> None:
        """Copies its volumes, which nothing may use meanwhile."""
        names, there = aside.volumes_of(self.model), self._of_the_project()
        aside.keep_volumes(self.project, names, self._image())
        # Without this list no copy is used: each is whole now.
        (self.folder / VOLUMES).write_text(json.dumps({"copied": names, "there": there}))

    def bring_back_settings_and_images(self) -> None:
        """Undoes what a build changes."""
        aside.bring_back_images(self._listed(IMAGES))
        if (self.folder / ENV).exists():
            shutil.copy2(self.folder / ENV, env_file())

    def start(self) -> None:
        """Starts it with the data that is in its volumes.

        Raises:
            CommandError: a service does not become healthy.
            WaitError: the webserver does not load a code location.
        """
        self.bring_back_settings_and_images()
        with self.release.chosen():
            compose(*QUIET, "up", "--detach", "--no-build", "--remove-orphans")
            wait_until_healthy(self.model)
            for name in self._locations():
                wait_until_loaded(Client(webserver_url(), name), since=code_server_start(name))

    def _locations(self) -> set[str]:
        mounts = self.model["services"]["webserver"]["volumes"]
        (workspace,) = [each["source"] for each in mounts if each["target"].endswith("/workspace.yaml")]
        return listed((self.folder / workspace).read_text())

    def bring_back(self) -> None:
        """Ends what runs, brings the data back, and starts.

        Raises:
            CommandError: there are no whole copies, or something cannot be brought back.
            WaitError: the webserver does not load a code location.
        """
        kept: dict[str, list[str]] = self._listed(VOLUMES)
        if not kept:
            raise CommandError("no upgrade has broken off, so there is nothing to go back to")
        end_everything(self.project)
        self.bring_back_settings_and_images()
        aside.remove_volumes(self._made_since(kept["there"]))
        aside.bring_back_volumes(kept["copied"], self._image())
        if "backup" in self.model["services"]:
            with self.release.chosen():
                # They hold WAL of the new release, which this data does not continue.
                put_backups_aside()
        self.start()

    def _of_the_project(self) -> list[str]:
        return of_project("volume", self.project)

    def _made_since(self, there: Iterable[str]) -> list[str]:
        now = set(self._of_the_project()) - set(there)
        return sorted(name for name in now if not aside.is_copy(name))

    def forget(self) -> None:
        """Removes all that was kept."""
        aside.remove_volumes([name for name in self._of_the_project() if aside.is_copy(name)])
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
