"""`make down` stops the deployment and keeps its data; `make destroy` asks, then removes the data too."""

from __future__ import annotations

import sys

from operate.compose import CommandError, compose, model, run, run_containers


def stop(project: str) -> None:
    """Stops what starts runs, then the runs, then the rest: a network in use cannot be removed.

    A run that is stopped ends as a failure, or is found dead when the deployment is up again, and is started once more.
    """
    compose("stop", "daemon", "webserver")
    if running := run_containers(project, running=True):
        print(f"down: stopping {len(running)} run(s)", file=sys.stderr)
        run(["docker", "stop", *running], capture=True)
    compose("down", "--remove-orphans")


def remove_data(project: str) -> None:
    """Removes the containers of past runs, then every volume of the project."""
    if containers := run_containers(project):
        run(["docker", "rm", "--force", *containers], capture=True)
    compose("down", "--volumes", "--remove-orphans")


def confirmed(project: str) -> bool:
    """Asks whoever is there; nobody there means no."""
    print(f"This removes the runs, the assets and the passwords of '{project}' for good.", file=sys.stderr)
    try:
        return input(f"Type {project} to go on: ").strip() == project
    except EOFError:
        return False


def main(arguments: list[str]) -> int:
    """Returns the exit status. `--destroy` removes data, `--yes` does not ask."""
    try:
        project = model()["name"]
        if "--destroy" in arguments and "--yes" not in arguments and not confirmed(project):
            print("destroy: nothing was removed", file=sys.stderr)
            return 1
        stop(project)
        if "--destroy" in arguments:
            remove_data(project)
    except CommandError as error:
        print(f"down: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
