"""Makes the surroundings of Dagster's processes: a database, a DAGSTER_HOME, and their environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import yaml

from dagster_project.definitions import module_of
from dev.postgres import postgres
from operate.compose import ROOT

# The Dagster project that runs.
PROJECT = ROOT / "user_code"
# Runs a process beside Dagster's, below a folder; yields the variables with which user code reaches it.
Neighbour = Callable[[Path], AbstractContextManager[dict[str, str]]]


def write_instance(home: Path) -> None:
    """Makes a DAGSTER_HOME from the shipped dagster.yaml. Runs and code are processes; `home` holds the output of runs."""
    home.mkdir(parents=True, exist_ok=True)
    instance = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    del instance["run_launcher"]
    instance["compute_logs"]["config"]["base_dir"] = str(home / "compute_logs")
    instance["local_artifact_storage"]["config"]["base_dir"] = str(home / "op_outputs")
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    location = {"module_name": module_of(PROJECT), "location_name": PROJECT.name}
    (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"python_module": location}]}))


@contextmanager
def surroundings(folder: Path, neighbours: Sequence[Neighbour] = ()) -> Iterator[dict[str, str]]:
    """Starts Postgres and the neighbours below `folder`, makes DAGSTER_HOME, and yields Dagster's environment."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres(folder / "postgres"))
        write_instance(folder / "dagster_home")
        environ = {
            **os.environ,
            **server.environment(),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DAGSTER_HOME": str(folder / "dagster_home"),
            # As in the image of the code location: docker/code_server/Dockerfile.
            "DAGSTER_DEFAULT_IO_MANAGER_MODULE": "dagster_deployment.io_manager",
            "DAGSTER_DEFAULT_IO_MANAGER_ATTRIBUTE": "deployment_io_manager",
            "PYTHONPATH": ":".join(
                str(ROOT / part) for part in (".", "docker/dagster/src", "docker/code_server/src", "user_code/src")
            ),
            "EXPORTS_DIR": str(folder / "exports"),
        }
        for neighbour in neighbours:
            environ |= stack.enter_context(neighbour(folder))
        yield environ
