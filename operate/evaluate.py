"""`make evaluate`: plays the evaluation on the running deployment, and puts its report into `reports/`.

Its window of freshness and its schedules are set to a minute for as long as that takes, and as they were afterwards.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from operate.compose import ROOT, CommandError, compose, run, webserver_url
from operate.graphql import ApiError, Client
from operate.waiting import WaitError, seen, wait_for

# As a shell reports SIGINT.
STOPPED = 130
REPORTS = ROOT / "reports"
FILES = {"evaluation.html", "evaluation.json", "evaluation.md"}
# The shortest that Dagster allows, of both.
SHORT = {"USERS_FRESHNESS_SECONDS": "60", "USERS_ASSETS_CRON": "* * * * *", "DATA_EXTRACTION_CRON": "* * * * *"}


def main(arguments: list[str]) -> int:
    """Returns the exit status. `arguments` are those of `python -m evaluation`, and `--into` another folder than `reports`."""
    parser = argparse.ArgumentParser("evaluate", add_help=False, allow_abbrev=False)
    parser.add_argument("--into", type=Path, default=REPORTS)
    options, others = parser.parse_known_args(arguments)
    try:
        print("evaluate: looking for the deployment, and building the image of the evaluation", file=sys.stderr)
        Client(webserver_url()).repository()
        compose("--progress", "quiet", "build", "evaluation")
        try:
            set_up(SHORT)
            return play([*others, "--machine", machine()], options.into)
        finally:
            adapt_code_location({})
    except (ApiError, CommandError, WaitError) as error:
        print(f"evaluate: {error}; is the deployment up? make up", file=sys.stderr)
        return 1


def set_up(settings: dict[str, str]) -> None:
    """Gives the code location other settings, and waits until webserver and daemon have them."""
    adapt_code_location(settings)
    # They hold on to what they have loaded: the daemon for up to a minute.
    compose("--progress", "quiet", "restart", "--no-deps", "webserver", "daemon")
    compose("--progress", "quiet", "up", "--detach", "--wait", "--no-deps", "--no-recreate", "webserver", "daemon")
    client = Client(webserver_url())
    wait_for("the code location", lambda: seen(client.repository(), "it is not loaded"), seconds=60)


def adapt_code_location(settings: dict[str, str]) -> None:
    """Starts it with other settings; those who use it notice within a minute."""
    compose("--progress", "quiet", "up", "--detach", "--wait", "--no-deps", "user_code", env={**os.environ, **settings})


def machine() -> str:
    """What it runs on, for the report."""
    told = run(["docker", "info", "--format", "{{.NCPU}} {{.MemTotal}} {{.ServerVersion}}"], capture=True).split()
    return f"{told[0]} processors, {int(told[1]) / 2**30:.0f} GiB, Docker engine {told[2]}"


def play(arguments: list[str], folder: Path) -> int:
    """Runs the container, and unpacks what it writes; the exit status is the container's."""
    command = ["docker", "compose", "--progress", "quiet", "run", "--rm", "--no-deps", "--no-TTY", "evaluation", *arguments]
    folder.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as container:
        assert container.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        try:
            names = unpack(container.stdout, folder)
        except KeyboardInterrupt:
            # It was told as well, and restores what it has changed.
            container.wait()
            print("evaluate: stopped; what it had changed is restored", file=sys.stderr)
            return STOPPED
    if not names:
        print("evaluate: there is no report; the last one, if there was any, is as it was", file=sys.stderr)
    for name in names:
        print(f"evaluate: {folder.name}/{name}")
    return container.returncode or (0 if names else 1)


def unpack(stream: IO[bytes], folder: Path) -> list[str]:
    """Moves the files of a tar archive into `folder`, once all of them are there; returns their names.

    An archive that ends early, or none, leaves the last report as it was.
    """
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(aside, filter="data")
        except tarfile.ReadError:
            return []
        # One that was cut off between two files reads as a whole one.
        if {path.name for path in Path(aside).iterdir()} != FILES:
            return []
        return sorted(path.replace(folder / path.name).name for path in Path(aside).iterdir())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
