"""The deployment does not name the demo, because a team deletes the demo with one folder and one line."""

from __future__ import annotations

import re

import pytest

from tests.conftest import repository_text
from tests.static.test_repository import tracked

NAMES = re.compile(r"users_api|USERS_|raw_user_data|users_assets|data_extraction|cookie_job|\bdemo\b")
# These lines include the demo.
DOORS = {
    "docker-compose.yml": ["  - {path: demo/compose.yml, project_directory: .}"],
    "Makefile": ["-include demo/Makefile"],
}
FILES = ("docker-compose.yml", "dagster.yaml", "workspace.yaml", "Makefile")
FOLDERS = ("docker", "operate", "dagster_api", "dagster_project", "dev", "bench")
PATHS = [path for path in tracked(*FILES, *FOLDERS) if not path.endswith((".pem", "requirements.txt"))]


def naming(path: str) -> list[str]:
    """Returns the lines of a file that name the demo, without comments."""
    return [line for line in repository_text(path).splitlines() if NAMES.search(line) and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("path", PATHS)
def test_deployment_files_do_not_name_the_demo(path: str) -> None:
    """A remaining name would make the deployment wait for a deleted service."""
    assert [line for line in naming(path) if line not in DOORS.get(path, [])] == []


def test_deployment_files_name_no_project() -> None:
    """A team hosts its own projects, and a name left here would be that of a project that is gone."""
    paths = [path for path in PATHS if not path.startswith(("bench", "dev")) and path != "workspace.yaml"]
    assert [path for path in paths if re.search(r"\buser_code\b", repository_text(path))] == []


def test_env_example_names_no_setting_of_the_demo() -> None:
    """The code location documents its own settings in user_code/settings.env."""
    assert [line for line in repository_text(".env.example").splitlines() if NAMES.search(line)] == []


def test_manuals_of_the_deployment_name_nothing_of_the_demo() -> None:
    """An operator of another code location reads them too."""
    operate = repository_text("README.md").partition("## Operate")[2]
    lines = (operate.partition("## Folders")[0] + repository_text("docs/operating.md")).splitlines()
    # The folder itself: the manual says how to delete it.
    assert [line for line in lines if NAMES.search(line.replace("demo", ""))] == []
