"""With LOG_FORMAT=json, what a run's container prints becomes JSON, and every line names the run."""

import os
import re
import sys
from collections.abc import Mapping, Sequence

# In the arguments of `dagster api execute_run`.
RUN_ID = re.compile(r'"run_id": "([0-9a-f-]{36})"')


def formatting(command: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]] | None:
    """The command that formats the lines of this one, and its environment; None if nothing is to be formatted."""
    if environ.get("LOG_FORMAT") != "json" or environ.get("LOG_LINES"):
        return None
    found = RUN_ID.search(" ".join(command))
    return ["log_lines", *command], {**environ, "LOG_RUN_ID": found[1] if found else ""}


def format_lines_of_this_process() -> None:
    """Starts this process again below docker/bin/log_lines, if its lines are to be formatted."""
    if again := formatting(sys.orig_argv, os.environ):
        command, environ = again
        os.execvpe(command[0], command, environ)  # noqa: S606 - the same command, below a program of this image
