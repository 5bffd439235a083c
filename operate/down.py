"""`make down` stops the deployment and keeps its data; `make destroy` asks, then removes the data too."""

from __future__ import annotations

import sys

from operate.aside import remove_images
from operate.compose import compose, model, run, run_containers
from operate.recorded import forget_records
from operate.unfinished import forget

# Compose does not remove containers of `docker compose run`, such as the evaluation, nor objects of disabled overlays.
ONE_OFF = "label=com.docker.compose.oneoff=True"


def of_project(kind: str, project: str, *filters: str) -> list[str]:
    """Containers, networks or volumes that Compose made for a project, even if its files no longer name them."""
    chosen = [f"--filter={one}" for one in (f"label=com.docker.compose.project={project}", *filters)]
    everything = ["--all"] if kind == "container" else []
    return run(["docker", kind, "ls", "--quiet", *everything, *chosen], capture=True).split()


def stop(project: str) -> None:
    """Stops daemon and webserver, then the runs, then the rest: a network in use cannot be removed.

    A stopped run fails now, or the daemon detects it after the next start. Then it is retried.
    """
    compose("stop", "daemon", "webserver")
    if running := run_containers(project, running=True):
        print(f"down: stopping {len(running)} run(s)", file=sys.stderr)
        run(["docker", "stop", *running], capture=True)
    remove("container", of_project("container", project, ONE_OFF))
    compose("down", "--remove-orphans")
    remove("network", of_project("network", project))


def remove(kind: str, names: list[str]) -> None:
    """Removes containers, networks or volumes, if there are any."""
    if names:
        run(["docker", kind, "rm", "--force", *names], capture=True)


def remove_data(project: str) -> None:
    """Removes the containers of past runs, then every volume of the project."""
    remove("container", run_containers(project))
    compose("down", "--volumes", "--remove-orphans")
    remove("volume", of_project("volume", project))


def confirmed(project: str) -> bool:
    """Asks for confirmation; without a terminal the answer is no."""
    lost = "the runs, the assets, the passwords and all volumes"
    print(f"This removes {lost} of '{project}' for good, with the backups in them. Files in backups/ stay.", file=sys.stderr)
    try:
        return input(f"Type {project} to go on: ").strip() == project
    except EOFError:
        return False


def main(_: list[str]) -> int:
    """Stops the deployment; returns the exit status.

    Raises:
        CommandError: the engine or Compose refused a step.
    """
    stop(model()["name"])
    return 0


def destroy(words: list[str]) -> int:
    """Stops the deployment and removes its data; returns the exit status. `--yes` skips the question.

    Raises:
        CommandError: the engine or Compose refused a step.
    """
    project = model()["name"]
    if "--yes" not in words and not confirmed(project):
        print("destroy: nothing was removed", file=sys.stderr)
        return 1
    stop(project)
    remove_data(project)
    forget(project)
    forget_records(project)
    remove_images(project)
    return 0
