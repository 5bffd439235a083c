"""Parses the dbt projects below a Dagster project: dagster-dbt reads their manifests, and a run's root is read-only.

`dagster dev` does the same on a developer's machine: https://docs.dagster.io/integrations/libraries/dbt/reference
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dagster_project.definitions import ProjectError

DBT = Path("/opt/venv/bin/dbt")
MISSING = re.compile(r"Env var required but not provided: '(\w+)'")
# Parsing connects to nothing, so a value of the right form does. It is good as a text and as a number.
STAND_IN = "0"


def projects(folder: Path) -> Iterator[Path]:
    """The dbt projects in a folder, without the packages that they use."""
    for file in sorted(folder.rglob("dbt_project.yml")):
        if "dbt_packages" not in file.parts:
            yield file.parent


def dbt(project: Path, command: str, environ: Mapping[str, str]) -> str | None:
    """Runs a command of dbt in a project; returns its output if it fails."""
    profiles = ["--profiles-dir", str(project)] if (project / "profiles.yml").exists() else []
    line = [str(DBT), "--quiet", command, "--project-dir", str(project), *profiles]
    done = subprocess.run(line, cwd=project, env=environ, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr if done.returncode else None


def parse(project: Path) -> None:
    """Writes target/manifest.json. A variable of the environment that the project requires gets a stand-in.

    Raises:
        ProjectError: dbt cannot parse the project.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    commands = ["deps"] if any((project / name).exists() for name in ("packages.yml", "dependencies.yml")) else []
    for command in [*commands, "parse"]:
        while (said := dbt(project, command, environ)) is not None:
            missing = MISSING.search(said)
            if missing is None or missing[1] in environ:
                raise ProjectError(f"dbt {command} failed in {project.name}: {said.strip()[-3000:]}")
            environ[missing[1]] = STAND_IN


def main(folder: Path) -> None:
    """Parses every dbt project of a folder, if its environment has dbt. Ends with a sentence if one cannot be parsed."""
    try:
        for project in projects(folder) if DBT.exists() else ():
            parse(project)
    except ProjectError as error:
        sys.exit(f"project: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
