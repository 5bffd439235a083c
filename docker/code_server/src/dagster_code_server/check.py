"""Loads the definitions as the code server does, without serving them: `make deploy` asks before it replaces the server.

It writes the end of the traceback to standard error if they do not load, and exits with 1.
"""

import sys
import traceback
from pathlib import Path

from dagster_code_server.serve import prepared_module

# A traceback through Dagster's loader is long, and its end names the line of user code.
LINES = 12


def load(module: str) -> None:
    """Loads all definitions of a module."""
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin  # noqa: PLC0415 - a second of imports
    from dagster._grpc.server import LoadedRepositories  # noqa: PLC0415

    origin = LoadableTargetOrigin(executable_path=sys.executable, module_name=module, working_directory=str(Path.cwd()))
    loaded = LoadedRepositories(origin, entry_point=["dagster"], container_image=None, container_context=None)
    for repository in loaded.definitions_by_name.values():
        repository.validate_loadable()  # type: ignore[no-untyped-call]


def first_cause(error: BaseException) -> BaseException:
    """The error of user code: Dagster wraps it in errors of its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def end_of(error: BaseException) -> str:
    """The last lines of an error's traceback."""
    return "\n".join("".join(traceback.format_exception(error, chain=False)).splitlines()[-LINES:])


def main() -> None:
    """Ends with status 1 if the definitions do not load."""
    module = prepared_module(Path.cwd())
    try:
        load(module)
    except Exception as error:  # noqa: BLE001 - of user code, whatever it is
        sys.exit(end_of(first_cause(error)))


if __name__ == "__main__":
    main()
