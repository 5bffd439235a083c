"""Each run imports these modules before its first step, so their cost delays every run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

# A run imports the `dagster` command, the storages of the shipped dagster.yaml, and the code location.
OF_A_RUN = (
    "dagster._cli",
    "dagster_postgres",
    "dagster_deployment.instance",
    "dagster_deployment.io_manager",
    "dagster_deployment.stopping",
    "user_code.definitions",
)
IMPORTS = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
callers = []
sys.addaudithook = lambda hook: callers.append(hook.__module__)
for name in sys.argv[1:]:
    module = importlib.import_module(name)
(module.defs() if callable(module.defs) else module.defs).get_repository_def()
print(json.dumps({"hooks": callers, "modules": sorted(sys.modules)}))
"""


def imported_by_a_run() -> dict[str, list[str]]:
    """Returns the installed audit hooks as `hooks`, and the imported modules as `modules`."""
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", IMPORTS, *OF_A_RUN], check=True, text=True, capture_output=True, env=environ)
    found: dict[str, list[str]] = json.loads(answer.stdout)
    return found


def test_run_imports_install_no_audit_hook() -> None:
    """Python calls a hook for every event, 24,000 times for these imports. The package filelock installs one from 3.30 on."""
    found = imported_by_a_run()
    assert "filelock" in found["modules"]
    assert found["hooks"] == []
