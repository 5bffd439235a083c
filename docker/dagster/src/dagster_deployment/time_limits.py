"""Checks the limits in .env for calls to the code server, because Dagster would end with a stack trace."""

from __future__ import annotations

import sys
from collections.abc import Mapping

# Set in docker-compose.yml; Dagster itself reads them.
NUMBERS = (
    "DAGSTER_GRPC_TIMEOUT_SECONDS",
    "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS",
    "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS",
    "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS",
    "DAGSTER_GRPC_MAX_RX_BYTES",
    "DAGSTER_GRPC_MAX_SEND_BYTES",
)
# In .env, one setting covers both directions.
SETTING = {"DAGSTER_GRPC_MAX_RX_BYTES": "DAGSTER_GRPC_MAX_BYTES", "DAGSTER_GRPC_MAX_SEND_BYTES": "DAGSTER_GRPC_MAX_BYTES"}
# gRPC keeps a message's size in 32 bits with a sign.
LARGEST = 2**31 - 1


# How runs are executed: each variable of webserver and daemon, its name in .env, and the least number.
OF_RUNS = {
    "MAX_CONCURRENT_RUNS": ("MAX_CONCURRENT_RUNS", 1),
    "WORKER_SLOTS": ("WORKER_CONCURRENCY", 1),
    "WORKER_LOST_SECONDS": ("WORKER_LOST_SECONDS", 5),
}
CHOICES = {
    "RUN_ISOLATION": ("DEFAULT_ISOLATION", ("container", "worker")),
    "OUTPUT_STORE": ("OUTPUT_STORE", ("volumes", "postgres")),
}


def check_run_limits(environ: Mapping[str, str]) -> None:
    """Ends with one sentence if a setting of runs is not allowed. A missing or empty one keeps its default.

    Raises:
        SystemExit: a setting is not valid.
    """
    for name, (setting, least) in OF_RUNS.items():
        if (text := environ.get(name)) and not (text.isascii() and text.isdecimal() and int(text) >= least):
            sys.exit(f"{setting} is set to '{text}', which is not allowed: it must be a whole number from {least} on.")
    for name, (setting, choices) in CHOICES.items():
        if (text := environ.get(name) or choices[0]) not in choices:
            sys.exit(f"{setting} is set to '{text}', which is not allowed: it must be {' or '.join(choices)}.")


def check_time_limits(environ: Mapping[str, str]) -> None:
    """Ends with one sentence if a limit is not a whole number above 0. A missing limit keeps Dagster's default.

    Raises:
        SystemExit: a limit is not valid.
    """
    for name in NUMBERS:
        text = environ.get(name)
        if text is not None and not (text.isascii() and text.isdecimal() and 0 < int(text) <= LARGEST):
            sys.exit(
                f"{SETTING.get(name, name)} is set to '{text}', which is not allowed: "
                f"it must be a whole number from 1 to {LARGEST}. Correct it in .env."
            )
