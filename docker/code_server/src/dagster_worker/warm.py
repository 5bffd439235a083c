"""Imports and executes once what every run needs, so that a fork of this process has it. It opens no connection."""

from __future__ import annotations

import gc
import importlib
import logging
import threading
from pathlib import Path

# Dagster imports these when a run opens the instance, its storage and its logs.
LATE = (
    "dagster_postgres",
    "psycopg2",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "dagster_deployment.compute_logs",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.executor.in_process",
    "dagster._core.executor.multiprocess",
    "dagster._cli.api",
    "dagster_deployment.instance",
    "dagster_deployment.io_manager",
)
# Its events would be in the log of each worker.
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
logger = logging.getLogger(__name__)


def load_code(module: str) -> None:
    """Loads the definitions, and what they need late.

    Raises:
        Exception: of user code, whatever it is.
    """
    from dagster_code_server.check import load  # noqa: PLC0415 - after the threshold of collections

    for name in LATE:
        importlib.import_module(name)
    load(module)
    execute_once()


def execute_once() -> None:
    """Executes a job of two ops in this process. Its first execution imports and compiles much: 0.3 s of CPU."""
    import dagster as dg  # noqa: PLC0415

    @dg.op
    def one() -> int:
        return 1

    @dg.op
    def two(value: int) -> int:
        return value

    @dg.job(executor_def=dg.in_process_executor)
    def warm() -> None:
        two(one())

    with dg.DagsterInstance.ephemeral() as instance:
        warm.execute_in_process(instance=instance, run_config=QUIET)


def open_sockets() -> int:
    """The number of sockets that this process has open."""
    links = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return sum(1 for link in links if link.name.startswith("socket:"))


def warn_of_what_forks_share(sockets: int) -> None:
    """Says what the import of user code left open: a fork has no thread of its parent, and no connection of its own."""
    if (threads := threading.active_count() - 1) > 0:
        logger.warning("the import of the code starts %d threads: runs do not have them. Start them in an op.", threads)
    if (opened := open_sockets() - sockets) > 0:
        logger.warning("the import of the code opens %d connections: runs find them closed. Open them in an op.", opened)


def freeze() -> None:
    """Takes everything out of garbage collection: collecting in a fork would copy the pages of this process."""
    gc.collect()
    gc.freeze()
