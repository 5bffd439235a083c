"""Starts the worker: loads the code once, then serves its queue."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dagster_code_server.serve import check_database, prepared_module
from dagster_deployment.collecting import RUN, collect_seldom
from dagster_worker.settings import Settings, SettingsError


def settings_or_exit() -> Settings:
    """The settings of this worker.

    Raises:
        SystemExit: one is missing or not allowed.
    """
    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.exit(str(error))


def main() -> None:
    """Becomes the worker."""
    settings = settings_or_exit()
    collect_seldom(RUN)
    module = prepared_module(Path.cwd())
    check_database(os.environ)
    # A bad setting is reported at once, not after seconds of imports.
    from dagster_worker.app import serve  # noqa: PLC0415
    from dagster_worker.warm import load_code, open_sockets, warn_of_what_forks_share  # noqa: PLC0415

    sockets = open_sockets()
    load_code(module)
    warn_of_what_forks_share(sockets)
    serve(os.environ, settings)


if __name__ == "__main__":
    main()
