"""Adds the project's `.env` to the environment of the code server and of each run.

The file is a secret: Compose and the launcher pass no value of it on. `docker inspect` shows none.
"""

import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

# The service NAME_secrets copies the project's `.env` there.
FILE = Path("/run/secrets/project.env")


def added(read: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a `.env` that `environ` does not have: the deployment's own settings win over a developer's."""
    return {name: value for name, value in read.items() if value is not None and name not in environ}


def add_project_env(environ: MutableMapping[str, str], file: Path = FILE) -> None:
    """Adds the variables of `file`, as `dg dev` reads it. Says which ones the deployment sets itself."""
    if not file.exists():
        return
    # Most projects have no such file, and each run pays for an import.
    from dotenv import dotenv_values  # noqa: PLC0415

    read = dotenv_values(file)
    new = added(read, environ)
    if kept := sorted(read.keys() & environ.keys()):
        print(f".env: the deployment sets {', '.join(kept)} itself", file=sys.stderr)
    environ.update(new)


def add_to_this_process() -> None:
    """Adds the variables to this process and its children."""
    add_project_env(os.environ)
