"""Gives a code location its own secrets: passwords of database roles and of the broker, and its `.env`.

Arguments are the roles. It runs at every start, and removes what is no longer given.
"""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from dagster_deployment.output_store import role_of
from dagster_services.secrets.generate import DAGSTER_UID, FOLDER, ROLES, write

# The project's folder, as the location's Compose file mounts it.
PROJECT = Path("/project")


def check_roles(roles: Sequence[str]) -> None:
    """Raises `SystemExit` if there is no such role of user code."""
    if unknown := sorted(set(roles) - set(ROLES)):
        sys.exit(f"secrets: there is no role {unknown[0]}: the roles of user code are {', '.join(ROLES[1:])}")


def content_of(env: Path) -> bytes | None:
    """The content of a project's `.env`, or None if there is no such file.

    This process is root and holds every password: it follows no link of a project.

    Raises:
        SystemExit: `.env` is a link, or no file.
    """
    try:
        descriptor = os.open(env, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        sys.exit(f"secrets: the project's .env cannot be read: {error.strerror}. It must be a file, not a link.")
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            sys.exit("secrets: the project's .env must be a file")
        return file.read()


def hand_out_broker_password(broker: Path, location: Path, name: str) -> None:
    """Gives the location's worker its password of the broker, if this deployment has one."""
    if (password := broker / name).is_file():
        write(location / "broker_password", password.read_text(), DAGSTER_UID)


def pgpass(folder: Path, roles: Sequence[str]) -> str:
    """The lines of a pgpass file, from the passwords in `folder`."""
    return "".join(f"*:*:*:{role}:{(folder / f'{role}_password').read_text()}\n" for role in roles)


def hand_out(location: Path, project: Path, roles: Sequence[str], name: str | None = None) -> None:
    """Writes `pgpass`, and `project.env` if the project has a `.env`."""
    check_roles(roles)
    # A new location has its role from the next `make up` on.
    of_outputs = [role_of(name)] if name and (FOLDER / f"postgres/{role_of(name)}_password").exists() else []
    write(location / "pgpass", pgpass(FOLDER / "postgres", [*roles, *of_outputs]), DAGSTER_UID)
    file, content = location / "project.env", content_of(project / ".env")
    changed = file.exists() if content is None else write(file, content, DAGSTER_UID)
    if content is None:
        file.unlink(missing_ok=True)
    if changed:
        # `make deploy` reads it: a server keeps the variables of its start.
        print("secrets: its .env has changed")


if __name__ == "__main__":
    # A code location of an earlier release does not say its name, and has no worker.
    if name := os.environ.get("CODE_LOCATION"):
        hand_out_broker_password(FOLDER / "broker", FOLDER / "location", name)
    hand_out(FOLDER / "location", PROJECT, sys.argv[1:], name)
