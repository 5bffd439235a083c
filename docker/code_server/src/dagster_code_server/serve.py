"""Starts the code server, and gives Dagster the settings for its runs' containers.

A run has its code server's image and environment, without the variables of this container alone. The launch gateway supplies
network, volumes, limits and hardening.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_code_server import old_outputs
from dagster_code_server.address import server
from dagster_code_server.database import of_dagster, refusal
from dagster_code_server.environment import add_to_this_process
from dagster_deployment.collecting import SERVICE, collect_seldom
from dagster_deployment.time_limits import check_time_limits
from dagster_project.definitions import ProjectError, module_of

# Dagster's default on two cores is six. The daemon alone asks for four sensors and four schedules at once: where these wait for
# a source, the health check would take the server for one that hangs.
THREADS = 32
# Variables that a run does not get from its code server, each with the reason. All others are the same in both.
OWN = {
    "HOSTNAME": "Docker names each container",
    "LISTEN_ON": "a run does not listen",
    "LOG_LINES": "docker/bin/log_lines sets it for the process whose lines it formats",
    "ALERT_URLS_FILE": "a run must not know who is told of failures",
}
# The kernel allows 128 KiB for one program argument (MAX_ARG_STRLEN). A run's argument holds this and its instance, some 5 kB.
MAX_VARIABLE_BYTES = 112 * 1024


def container_context(environ: Mapping[str, str]) -> dict[str, Any]:
    """The `container_context` of this code location, for DockerRunLauncher."""
    return {"docker": {"env_vars": [f"{name}={value}" for name, value in sorted(environ.items()) if name not in OWN]}}


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
    try:
        settings = importlib.import_module(name)
    except Exception:  # noqa: BLE001 - there is none, or the code does not load: the UI shows that error
        return
    if not hasattr(settings, "SettingsError"):
        return
    try:
        settings.Settings.from_environment(environ)
    except settings.SettingsError as error:
        sys.exit(str(error))


def check_settings_apart(module: str, environ: Mapping[str, str]) -> None:
    """Calls `check_settings` in a process of its own: what it imports must not be half imported in this one.

    Raises:
        SystemExit: a setting is not allowed, or the check fails; the reason is printed.
    """
    pid = os.fork()
    if pid == 0:
        _check_and_end(module, environ)
    if os.waitpid(pid, 0)[1]:
        sys.exit(1)


def _check_and_end(module: str, environ: Mapping[str, str]) -> None:
    """Ends this process: with status 0 only if the settings are right."""
    status = 1
    try:
        check_settings(module, environ)
        status = 0
    except SystemExit as refused:
        print(refused, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - of user code: this process must end here, whatever it raises
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def module_or_exit(project: Path) -> str:
    """The module of the project's definitions.

    Raises:
        SystemExit: the project names none.
    """
    try:
        return module_of(project)
    except ProjectError as error:
        sys.exit(str(error))


def prepared_module(project: Path) -> str:
    """Prepares this process for a project's code; returns the module of its definitions.

    Raises:
        SystemExit: the project names no module, or a setting is not allowed.
    """
    add_to_this_process()
    module = module_or_exit(project)
    # As Dagster does: a project that is not installed is found in its folder.
    sys.path.append(str(project))
    check_settings_apart(module, os.environ)
    return module


def check_database(environ: Mapping[str, str]) -> None:
    """Ends if Dagster's database does not answer. Docker then restarts the server, which would else keep the error.

    Raises:
        SystemExit: the database does not answer.
    """
    if reason := refusal(*of_dagster(environ)):
        sys.exit(f"Dagster's database does not answer: {reason}")


def main() -> None:
    """Becomes the code server.

    `dagster code-server start` serves through a child, and never restarts it. After a child ran out of memory, or slept for
    30 s with its host, the code location was gone for good. Here the container ends, and Docker
    restarts it. That command also reloads code without a restart, which code in an image does not need.
    """
    check_time_limits(os.environ)
    context = serialized(container_context(os.environ))
    # The project's variables come after the context: a run reads them itself.
    module = prepared_module(Path.cwd())
    check_database(os.environ)
    os.environ["DAGSTER_CONTAINER_CONTEXT"] = context
    old_outputs.begin(os.environ)
    host, port = server(os.environ)
    # Without the first option, code that does not load would end the server; with it, the UI shows the error.
    how = [
        "--lazy-load-user-code",
        "--host",
        host,
        "--port",
        str(port),
        "--max-workers",
        str(THREADS),
        "--module-name",
        module,
    ]
    sys.argv = ["dagster", "api", "grpc", *how]
    collect_seldom(SERVICE)
    # A bad setting is reported at once, not after a second of imports.
    from dagster._cli import main as dagster  # noqa: PLC0415

    dagster()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
