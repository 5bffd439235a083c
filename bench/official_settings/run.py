"""The process of a run: the `dagster` command and nothing around it."""

import os
import sys

os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command of DockerRunLauncher
