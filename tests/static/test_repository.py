"""All files agree on settings, services, verbs and versions, and none holds a secret."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from operate.compose import ROOT
from scripts.compose_text import compose_file
from tests.conftest import repository_text, setting_names

COMPOSE = compose_file("docker-compose.yml")
README = repository_text("README.md")
# Set by Compose itself.
GIVEN = {"COMPOSE_PROJECT_NAME"}


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "-co", "--exclude-standard", *patterns]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, capture_output=True).stdout.split()


def locks() -> list[str]:
    """Returns the folders of locks. Checkov has its own, because its packages conflict with Dagster's."""
    return [path.rpartition("/")[0] for path in tracked("*requirements.txt")]


def shipped_locks() -> list[str]:
    """Returns the folders whose locks go into images."""
    return [folder for folder in locks() if folder not in {"tests", "scripts/scanner"}]


def locked(folder: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", repository_text(f"{folder}/requirements.txt"), re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def compose_text() -> str:
    files = ("docker-compose.yml", "docker/compose.edge.yml", "docker/compose.oidc.yml")
    return "".join(repository_text(path) for path in files)


def compose_variables() -> dict[str, str]:
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", compose_text()))


def required_variables() -> dict[str, str]:
    """Returns the variables without which an overlay stops Compose, with the sentence after the question mark."""
    return dict(re.findall(r"\$\{([A-Z_]+):\?([^}]+)\}", compose_text()))


def documented_variables() -> dict[str, str]:
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", repository_text(".env.example"), re.MULTILINE))


def test_every_setting_is_in_the_manual_with_its_default_and_nothing_else_is() -> None:
    """The manual is .env.example, the default is the one of docker-compose.yml."""
    assert documented_variables() == compose_variables() | dict.fromkeys([*required_variables(), *GIVEN], "")


def test_no_variable_of_the_compose_text_lacks_a_default() -> None:
    """Nothing needs to be set to start."""
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose_text()))
    assert used - GIVEN == set(compose_variables()) | set(required_variables())
    assert ":?" not in repository_text("docker-compose.yml")
    assert {why.split()[0] for why in required_variables().values()} == {"set"}


def test_a_setting_of_the_code_location_can_be_set_in_env_and_stands_in_one_manual() -> None:
    """Compose fills in the lines of settings.env from .env; a name in both manuals could have two defaults."""
    lines = repository_text("user_code/settings.env").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in settings if not re.fullmatch(r"([A-Z_]+)=\$\{\1:-.+\}", line)] == []
    assert set(setting_names()) & set(documented_variables()) == set()


def test_every_verb_that_the_readme_uses_exists() -> None:
    """A reader types them. The demo's own test reads the paragraphs that lead to the demo."""
    verbs = set(re.findall(r"^([a-z-]+):.*## ", repository_text("Makefile"), re.MULTILINE))
    text = "\n\n".join(paragraph for paragraph in README.split("\n\n") if "(demo/" not in paragraph)
    used = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert "up" in used
    assert used <= verbs


def test_every_link_and_file_that_the_readme_names_is_there() -> None:
    """The demo's own test follows the links into `demo`."""
    links = re.findall(r"\]\((?!http|demo/)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_names_of_the_house() -> None:
    """Seven names at the root are fixed."""
    fixed = ["docker-compose.yml", "docker", "user_code", "dagster.yaml", "workspace.yaml", "tests", "README.md"]
    assert [name for name in fixed if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("folder", locks())
def test_locks_are_exact_hashed_and_name_no_registry(folder: str) -> None:
    """So that a mirror can serve the packages, but not change them."""
    text = repository_text(f"{folder}/requirements.txt")
    packages = re.findall(r"^[a-z0-9-]+==.*(?:\n .*)*", text, re.MULTILINE)
    assert len(packages) > 5
    assert [package for package in packages if "--hash=sha256:" not in package] == []
    assert "://" not in text


def test_all_images_have_the_same_dagster() -> None:
    """Its processes speak to each other in a format of that version."""
    versions = [
        {name: locked(folder)[name] for name in ("dagster", "dagster-postgres", "dagster-docker", "sqlalchemy")}
        for folder in ("docker/dagster", "user_code", "tests")
    ]
    assert versions[0] == versions[1] == versions[2]
    assert versions[0]["dagster"] == {"1.13.27"}


def test_every_shipped_package_is_tested_in_the_version_that_ships() -> None:
    """The tests install the same versions as the images."""
    mine = locked("tests")
    for folder in shipped_locks():
        assert {name: versions for name, versions in locked(folder).items() if versions - mine.get(name, set())} == {}, folder


def test_the_bench_s_other_deployment_writes_where_this_one_does() -> None:
    """On read-only roots its runs could write nowhere else: once all of its jobs failed, and nobody saw it before a bench."""
    ours, theirs = (yaml.safe_load(repository_text(path)) for path in ("dagster.yaml", "bench/official_settings/dagster.yaml"))
    written = ("compute_logs", "local_artifact_storage")
    assert {name: theirs.get(name) for name in written} == {name: ours[name] for name in written}


def test_no_usable_password_is_in_the_tree() -> None:
    """The one of the tests' own Postgres on loopback excepted."""
    pattern = re.compile(r"(?i)(password|passwd|secret|token)\s*[=:]\s*['\"]?(?-i:[a-z0-9+/_-]{6,})")
    texts = {
        path: repository_text(path) for path in tracked() if not path.endswith((".png", ".txt")) and not path.startswith("tests/")
    }
    found = {path: match[0] for path, text in texts.items() if (match := pattern.search(text))}
    allowed = {"docker-compose.yml": "PASSWORD_FILE", "docker/offline/postgres-entrypoint.sh": "password"}
    assert {path: text for path, text in found.items() if path not in allowed} == {}
