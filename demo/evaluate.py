"""`make evaluate`: plays the evaluation on the running deployment, and puts its report into `reports/`.

It sets the freshness window and the job's schedule to a minute, and restores both afterwards.
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

from dagster_api.client import ApiError, Client
from dagster_api.loading import wait_until_loaded
from dagster_api.waiting import WaitError
from demo import LOCATION
from demo.evaluation import SHORT
from demo.evaluation.play.stopping import STOPPED
from operate.compose import ROOT, CommandError, compose, model, run, url_of, webserver_url
from operate.containers import code_server_start

# A run in progress has two minutes; then all data may have to be made again.
RESTORE_SECONDS = 420
REPORTS = ROOT / "reports"
RUN = ("docker", "compose", "--progress", "quiet", "run", "--rm", "--no-deps", "--no-TTY")
FILES = {"evaluation.html", "evaluation.json", "evaluation.md"}


def main(arguments: list[str]) -> int:
    """Returns the exit status. `arguments` go to `python -m demo.evaluation`; `--into` replaces the folder `reports`."""
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
    """Sets the handler of all ending signals. SIGINT too: a script ignores it for commands in the background."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, handler)


def ready(arguments: list[str]) -> int:
    """Checks deployment and arguments before anything changes; returns an exit status.

    Raises:
        CommandError: the deployment is not up.
    """
    print("evaluate: looking for the deployment, and building the image of the evaluation", file=sys.stderr)
    try:
        Client(webserver_url(), LOCATION).repository()
    except (ApiError, CommandError) as error:
        raise CommandError(f"{error}; is the deployment up? make up") from error
    compose("--progress", "quiet", "build", "evaluation")
    return subprocess.run(
        [*RUN, "evaluation", *arguments, "--dry-run"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False
    ).returncode


def evaluate(arguments: list[str], folder: Path) -> int:
    """Plays with the short settings, then restores the deployment's settings; returns the exit status."""
    try:
        set_up(SHORT)
        return play(arguments, folder)
    finally:
        # A second Ctrl-C would leave the changes unrestored.
        on_ending(signal.SIG_IGN)
        adapt_code_location({})


def set_up(settings: dict[str, str]) -> None:
    """Changes the code location's settings, and restarts webserver and daemon, so that both load it."""
    adapt_code_location(settings)
    # Both keep the loaded code location, the daemon for up to a minute.
    compose("--progress", "quiet", "restart", "--no-deps", "webserver", "daemon")


def adapt_code_location(settings: dict[str, str]) -> None:
    """Restarts it with other settings, and waits until the webserver loads it. The daemon does so within a minute.

    Its worker, if there is one, ends its runs first.
    """
    up = ("--progress", "quiet", "up", "--detach", "--wait", "--no-deps", LOCATION, f"{LOCATION}_worker")
    compose(*up, env={**os.environ, **settings}, apart=True)
    deployment = model()
    wait_until_loaded(Client(url_of(deployment), LOCATION), since=code_server_start(deployment["name"], LOCATION))


def machine() -> str:
    """The machine, as the report describes it."""
    told = run(["docker", "info", "--format", "{{.NCPU}} {{.MemTotal}} {{.ServerVersion}}"], capture=True).split()
    return f"{told[0]} processors, {int(told[1]) / 2**30:.0f} GiB, Docker engine {told[2]}"


def play(arguments: list[str], folder: Path) -> int:
    """Runs the container, and unpacks its archive; returns the container's exit status."""
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
    """Waits until the container `name` has restored its changes; returns its exit status.

    Compose does not help: interrupted, it exits at once and may not forward the signal.

    Raises:
        CommandError: the container did not end in time.
    """
    on_ending(signal.SIG_IGN)
    print("evaluate: stopping, which takes up to a minute: what was changed is restored", file=sys.stderr)
    subprocess.run(["docker", "kill", "--signal", "INT", name], capture_output=True, check=False)
    wait = ["docker", "wait", name]
    waiting = subprocess.Popen(wait, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        # Keeps reading: the container may be writing its report, and would wait for a reader.
        container.communicate(timeout=RESTORE_SECONDS)
        status, _ = waiting.communicate(timeout=RESTORE_SECONDS)
    except subprocess.TimeoutExpired as error:
        container.kill()
        waiting.kill()
        raise CommandError(f"the evaluation has not ended within {RESTORE_SECONDS} s: docker logs {name}") from error
    # It is empty if the container was already gone: then Compose has its exit status.
    return int(status) if status.strip() else container.returncode


def unpack(stream: IO[bytes], folder: Path) -> list[str]:
    """Moves a tar archive's files into `folder` once it is complete; returns their names.

    An incomplete or missing archive leaves the last report unchanged.
    """
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(aside, filter="data")
            # The padding behind the archive's end: `docker compose run` fails if nobody reads it (seen once).
            stream.read()
        except tarfile.ReadError:
            return []
        # An archive that was cut off between two files reads without an error.
        if {path.name for path in Path(aside).iterdir()} != FILES:
            return []
        return sorted(path.replace(folder / path.name).name for path in Path(aside).iterdir())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
