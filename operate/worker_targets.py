"""Where the files of a worker host go: to the host by ssh, or to a folder."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Protocol

from operate.compose import CommandError, require, run


class Target(Protocol):
    """Where the files go."""

    def env(self) -> str:
        """The host's present .env."""

    def processors(self) -> int | None:
        """The number of the host's processors, if it can be asked."""

    def unpack(self, tar: bytes) -> None:
        """Writes the files of the bundle."""

    def finish(self, images: list[str]) -> str:
        """Brings the images there, and returns a sentence about what was done, or is to be done."""


class Folder:
    """A folder on this machine, for somebody to carry to the host."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def env(self) -> str:
        """The .env of an earlier call."""
        file = self._path / ".env"
        return file.read_text() if file.exists() else ""

    def processors(self) -> int | None:
        """Not known: the host is elsewhere."""
        return None

    def unpack(self, tar: bytes) -> None:
        """Writes the files. Only their owner can read the folder."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        subprocess.run(["tar", "-C", self._path, "-x"], input=tar, check=True)

    def finish(self, images: list[str]) -> str:
        """Writes the images."""
        run(["docker", "save", f"--output={self._path / 'images.tar'}", *images], capture=True)
        return (
            f"{self._path} holds passwords: copy it to the host and delete it here. There, type: "
            "docker load --input images.tar && docker compose up --detach --remove-orphans --wait"
        )


class Ssh:
    """A host with Docker and Compose that ssh reaches."""

    def __init__(self, host: str, folder: str) -> None:
        self._host = host
        self._folder = folder

    def _ssh(self) -> list[str]:
        require("ssh")
        return ["ssh", "-o", "BatchMode=yes", *shlex.split(os.environ.get("SSH_OPTIONS", "")), self._host]

    def _check(self, ended: subprocess.CompletedProcess[bytes]) -> None:
        if ended.returncode:
            raise CommandError(f"{self._host}: {ended.stderr.decode(errors='replace').strip()[-2000:]}")

    def _run(self, command: str, given: bytes = b"") -> bytes:
        ended = subprocess.run([*self._ssh(), command], input=given, capture_output=True, check=False)
        self._check(ended)
        return ended.stdout

    def env(self) -> str:
        """The .env of an earlier call."""
        return self._run(f"cat {self._folder}/.env 2>/dev/null || true").decode()

    def processors(self) -> int | None:
        """The number that Docker there sees."""
        return int(self._run("docker info --format '{{.NCPU}}'"))

    def unpack(self, tar: bytes) -> None:
        """Writes the files. Only the user of ssh can read the folder."""
        self._run(f"umask 077; mkdir -p {self._folder} && tar -C {self._folder} -x", tar)

    def _load(self, image: str) -> None:
        # An image has hundreds of megabytes: it goes through a pipe.
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
            loading = subprocess.run([*self._ssh(), "docker load --quiet"], stdin=saving.stdout, capture_output=True, check=False)
        self._check(loading)
        if saving.returncode:
            raise CommandError(f"docker save {image} failed")

    def finish(self, images: list[str]) -> str:
        """Sends the images that the host does not have, and starts the workers."""
        for image in images:
            there = self._run(f"docker image inspect --format '{{{{.Id}}}}' {image} 2>/dev/null || true").decode().strip()
            if there != run(["docker", "image", "inspect", "--format", "{{.Id}}", image], capture=True).strip():
                self._load(image)
        self._run(f"cd {self._folder} && docker compose --progress quiet up --detach --remove-orphans --wait")
        return "its workers run"
