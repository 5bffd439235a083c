"""Starts the code server, and gives Dagster the settings for its runs' containers.

A run has its code server's image and environment, without the variables of this container alone. Compose supplies networks
and volumes as one JSON object in RUN_CONTAINER. The launch gateway supplies limits and hardening.
"""

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from dagster_deployment.time_limits import check_time_limits

PORT = 4000
# Variables that a run does not get from its code server, each with the reason. All others are the same in both.
OWN = {
    "HOSTNAME": "Docker names each container",
    "LISTEN_ON": "a run does not listen",
    "RUN_CONTAINER": "a run starts no container",
    "ALERT_URLS_FILE": "a run must not know who is told of failures",
}
# The kernel allows 128 KiB for one program argument (MAX_ARG_STRLEN). A run's argument holds this and its instance, some 5 kB.
MAX_VARIABLE_BYTES = 112 * 1024


def container_context(environ: Mapping[str, str]) -> dict[str, Any]:
    """The `container_context` of this code location, for DockerRunLauncher.

    Raises:
        SystemExit: RUN_CONTAINER is not a JSON object.
    """
    try:
        container = dict(json.loads(environ["RUN_CONTAINER"]))
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"RUN_CONTAINER must be a JSON object such as docker-compose.yml sets: {error}")
    env_vars = [f"{name}={value}" for name, value in sorted(environ.items()) if name not in OWN]
    return {"docker": {**container, "env_vars": env_vars}}


def serialized(context: Mapping[str, Any]) -> str:
    """The value of the variable from which Dagster reads the context.

    Raises:
        SystemExit: the value is too long for a variable.
    """
    text = json.dumps(context)
    if (size := len(f"DAGSTER_CONTAINER_CONTEXT={text}")) > MAX_VARIABLE_BYTES:
        sys.exit(
            f"The environment of the code server is too large to hand on to runs: {size} bytes, "
            f"and {MAX_VARIABLE_BYTES} are allowed. Keep long texts in files: make secret."
        )
    return text


def check_settings(module: str, environ: Mapping[str, str]) -> None:
    """Ends with one sentence if `settings`, beside the module of definitions, rejects the environment.

    It calls `Settings.from_environment`, which raises `SettingsError`. If these are missing, it checks nothing.

    Raises:
        SystemExit: a setting is not allowed.
    """
    name = f"{module.rpartition('.')[0]}.settings".lstrip(".")
    if importlib.util.find_spec(name) is None:
        return
    settings = importlib.import_module(name)
    if not hasattr(settings, "SettingsError"):
        return
    try:
        settings.Settings.from_environment(environ)
    except settings.SettingsError as error:
        sys.exit(str(error))


def check_instance() -> None:
    """Ends if Dagster's database does not answer, so that Docker restarts the server: it would keep the error for good.

    Raises:
        SystemExit: the database does not answer.
    """
    # A bad setting is reported at once, not after a second of imports.
    from dagster import DagsterInstance  # noqa: PLC0415

    try:
        with DagsterInstance.get():
            pass
    except Exception as error:  # noqa: BLE001 - of the storage, whichever it is
        sys.exit(f"Dagster's instance cannot be opened: {error}")


def main() -> None:
    """Becomes the code server.

    `dagster code-server start` serves through a child, and never restarts it. After a child ran out of memory, or slept for
    30 s with its host, the code location was gone for good. Here the container ends, and Docker
    restarts it. That command also reloads code without a restart, which code in an image does not need.
    """
    module = sys.argv[1]
    check_time_limits(os.environ)
    check_settings(module, os.environ)
    context = serialized(container_context(os.environ))
    check_instance()
    environ = {**os.environ, "DAGSTER_CONTAINER_CONTEXT": context}
    listen_on = os.environ.get("LISTEN_ON", "127.0.0.1")
    # Without the first option, code that does not load would end the server; with it, the UI shows the error.
    how = ["--lazy-load-user-code", "--host", listen_on, "--port", str(PORT), "--module-name", module]
    command = ["dagster", "api", "grpc", *how]
    os.execvpe(command[0], command, environ)  # noqa: S606 - PATH is the image's


if __name__ == "__main__":
    main()
