"""`make evaluate`: plays the evaluation on the running deployment, and puts its report into `reports/`.

Its window of freshness and the schedule of its job are set to a minute for as long as that takes, and as they were afterwards.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any

from operate.compose import ROOT, CommandError, compose, model, run, webserver_url
from operate.graphql import ApiError, Client
from operate.loading import code_server_start, wait_until_loaded
from operate.waiting import WaitError

# As a shell reports SIGINT.
STOPPED = 130
# A run that is under way has two minutes, and everything may have to be made again.
RESTORE_SECONDS = 420
REPORTS = ROOT / "reports"
RUN = ("docker", "compose", "--progress", "quiet", "run", "--rm", "--no-deps", "--no-TTY")
FILES = {"evaluation.html", "evaluation.json", "evaluation.md"}
# The shortest that Dagster allows, of both.
SHORT = {"USERS_FRESHNESS_SECONDS": "60", "DATA_EXTRACTION_CRON": "* * * * *"}


def main(arguments: list[str]) -> int:
    """Returns the exit status. `arguments` are those of `python -m evaluation`, and `--into` another folder than `reports`."""
    parser = argparse.ArgumentParser("evaluate", add_help=False, allow_abbrev=False)
    parser.add_argument("--into", type=Path, default=REPORTS)
    options, others = parser.parse_known_args(arguments)
    on_ending(signal.default_int_handler)
    try:
        status = ready(others) or evaluate([*others, "--machine", machine()], options.into)
    except (ApiError, CommandError, WaitError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        status = STOPPED
    if status == STOPPED:
        print("evaluate: stopped; what it had changed is restored", file=sys.stderr)
    return status


def on_ending(handler: Any) -> None:
    """What to do when somebody wants this to end. SIGINT too: it is ignored where a script has started this in the background."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, handler)


def ready(arguments: list[str]) -> int:
    """Whether the deployment is up and the evaluation knows its arguments: an exit status, before anything changes.

    Raises:
        CommandError: it is not up, or ends its runs when its settings change.
    """
    print("evaluate: looking for the deployment, and building the image of the evaluation", file=sys.stderr)
    if "launch_gateway" not in model()["services"]:
        remedy = "make up RUN_ISOLATION=container"
        raise CommandError(f"runs are processes of the code server here, and would end when its settings change: {remedy}")
    try:
        Client(webserver_url()).repository()
    except (ApiError, CommandError) as error:
        raise CommandError(f"{error}; is the deployment up? make up") from error
    compose("--progress", "quiet", "build", "evaluation")
    return subprocess.run(
        [*RUN, "evaluation", *arguments, "--dry-run"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False
    ).returncode


def evaluate(arguments: list[str], folder: Path) -> int:
    """Plays with the short settings, and puts back those of the deployment; returns the exit status."""
    try:
        set_up(SHORT)
        return play(arguments, folder)
    finally:
        # A second Ctrl-C would leave what the first has not.
        on_ending(signal.SIG_IGN)
        adapt_code_location({})


def set_up(settings: dict[str, str]) -> None:
    """Gives the code location other settings, and starts webserver and daemon again, for whom the evaluation waits."""
    adapt_code_location(settings)
    # They hold on to what they have loaded: the daemon for up to a minute.
    compose("--progress", "quiet", "restart", "--no-deps", "webserver", "daemon")


def adapt_code_location(settings: dict[str, str]) -> None:
    """Starts it with other settings, and waits until the webserver has noticed; the daemon does within a minute."""
    up = ("--progress", "quiet", "up", "--detach", "--wait", "--no-deps", "user_code")
    compose(*up, env={**os.environ, **settings}, apart=True)
    wait_until_loaded(Client(webserver_url()), since=code_server_start())


def machine() -> str:
    """What it runs on, for the report."""
    told = run(["docker", "info", "--format", "{{.NCPU}} {{.MemTotal}} {{.ServerVersion}}"], capture=True).split()
    return f"{told[0]} processors, {int(told[1]) / 2**30:.0f} GiB, Docker engine {told[2]}"


def play(arguments: list[str], folder: Path) -> int:
    """Runs the container, and unpacks what it writes; the exit status is the container's."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{model()['name']}-evaluation-{os.getpid()}"
    command = [*RUN, "--name", name, "evaluation", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as container:
        assert container.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        try:
            names = unpack(container.stdout, folder)
        except KeyboardInterrupt:
            return stopped(container, name)
    if container.returncode == STOPPED:
        return STOPPED
    if not names:
        print("evaluate: there is no report; the last one, if there was any, is as it was", file=sys.stderr)
    for file in names:
        print(f"evaluate: {folder.name}/{file}")
    return container.returncode or (0 if names else 1)


def stopped(container: subprocess.Popen[bytes], name: str) -> int:
    """The exit status of the container `name`, once it has restored what it had changed.

    Compose is no help: interrupted, it leaves at once, with or without having told the container.

    Raises:
        CommandError: it has not ended.
    """
    on_ending(signal.SIG_IGN)
    print("evaluate: stopping, which takes up to a minute: what was changed is restored", file=sys.stderr)
    subprocess.run(["docker", "kill", "--signal", "INT", name], capture_output=True, check=False)
    wait = ["docker", "wait", name]
    waiting = subprocess.Popen(wait, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        # Reads on meanwhile: it may be writing its report, and would wait for a reader.
        container.communicate(timeout=RESTORE_SECONDS)
        status, _ = waiting.communicate(timeout=RESTORE_SECONDS)
    except subprocess.TimeoutExpired as error:
        container.kill()
        waiting.kill()
        raise CommandError(f"the evaluation has not ended within {RESTORE_SECONDS} s: docker logs {name}") from error
    # Nothing where it was gone already: then Compose has seen how it ended.
    return int(status) if status.strip() else container.returncode


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
