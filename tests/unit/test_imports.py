"""Every run pays for imports before its first step."""

from __future__ import annotations

import json
import os
import subprocess
import sys

# The `dagster` command, the storages of the shipped dagster.yaml, and the code location.
OF_A_RUN = (
    "dagster._cli",
    "dagster_postgres",
    "dagster_docker",
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


def of_a_run() -> dict[str, list[str]]:
    """Audit hooks that were installed, and modules that were imported."""
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", IMPORTS, *OF_A_RUN], check=True, text=True, capture_output=True, env=environ)
    found: dict[str, list[str]] = json.loads(answer.stdout)
    return found


def test_nothing_that_a_run_imports_installs_an_audit_hook() -> None:
    """Every event of the interpreter would call it, 24,000 times in the imports alone: filelock, from 3.30 and Python 3.12 on."""
    found = of_a_run()
    assert "filelock" in found["modules"]
    assert found["hooks"] == []
