"""`make evaluate`: plays the evaluation on the running deployment, and puts its report into `reports/`.

Its window of freshness and its schedules are set to a minute for as long as that takes, and as they were afterwards.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from operate.compose import ROOT, CommandError, compose, run, webserver_url
from operate.graphql import ApiError, Client
from operate.waiting import WaitError, seen, wait_for

# As a shell reports SIGINT.
STOPPED = 130
REPORTS = ROOT / "reports"
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
            return STOPPED
    for name in names:
        print(f"evaluate: {folder.name}/{name}")
    return container.returncode


def unpack(stream: object, folder: Path) -> list[str]:
    """Writes the files of a tar archive; returns their names. Nothing where the stream is empty."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            names = []
            for member in archive:
                archive.extract(member, folder, filter="data")
                names.append(member.name)
            return names
    except tarfile.ReadError:
        return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
