"""Starts a run with the plain `dagster` command."""

import os
import sys

os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command of DockerRunLauncher
