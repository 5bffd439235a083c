"""All files agree on settings, services, commands and versions, and no file holds a secret."""

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
# The verbs read it, and no container does.
OF_VERBS = {"BACKUP_RECIPIENT"}
# Compose itself sets these.
GIVEN = {"COMPOSE_PROJECT_NAME", "WORKER_GATEWAY_ADDRESS"}


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "-co", "--exclude-standard", *patterns]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, capture_output=True).stdout.split()


def locks() -> list[str]:
    """Returns the folders that have a lock. Checkov has its own, because its packages conflict with Dagster's."""
    paths = [path for path in tracked("*requirements.txt") if not path.startswith("tests/locations/")]
    return [path.rpartition("/")[0] for path in paths]


def shipped_locks() -> list[str]:
    """Returns the folders whose locked packages the images install."""
    return [folder for folder in locks() if folder not in {"tests", "scripts/scanner"}]


def locked(folder: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", repository_text(f"{folder}/requirements.txt"), re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def compose_text() -> str:
    names = ("worker", "worker-gateway", "backup", "offsite", "monitoring", "grafana", "edge", "oidc")
    overlays = (f"docker/compose.{name}.yml" for name in names)
    services = (f"docker/code_server/{name}.yml" for name in ("code", "container", "worker"))
    shared = ("docker/common.yml", "docker/time_limits.env", *services)
    return "".join(repository_text(path) for path in ("docker-compose.yml", *overlays, *shared))


def compose_variables() -> dict[str, str]:
    # A default may be another variable, which has a default of its own.
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}$]*)\}", compose_text()))


def required_variables() -> dict[str, str]:
    """Returns the variables that an overlay requires, each with the text after its question mark."""
    return dict(re.findall(r"\$\{([A-Z_]+):\?([^}]+)\}", compose_text()))


def documented_variables() -> dict[str, str]:
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", repository_text(".env.example"), re.MULTILINE))


def test_env_example_lists_exactly_the_settings_and_their_defaults() -> None:
    """Operators use .env.example as the manual of the settings in the Compose files."""
    assert documented_variables() == compose_variables() | dict.fromkeys([*required_variables(), *GIVEN, *OF_VERBS], "")


def test_compose_variables_have_defaults() -> None:
    """The first start must need no .env. Only overlays require settings."""
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose_text()))
    assert used - GIVEN == set(compose_variables()) | set(required_variables())
    assert ":?" not in repository_text("docker-compose.yml")
    assert {why.split()[0] for why in required_variables().values()} == {"set"}


def test_settings_env_takes_values_from_env_and_repeats_no_setting() -> None:
    """Compose fills in settings.env from .env. A name in both manuals could have two defaults."""
    lines = repository_text("user_code/settings.env").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in settings if not re.fullmatch(r"([A-Z_]+)=\$\{\1:-.+\}", line)] == []
    assert set(setting_names()) & set(documented_variables()) == set()


def test_readme_uses_only_existing_make_targets() -> None:
    """A reader types these commands. The demo's own test reads the paragraphs that lead to the demo."""
    verbs = set(re.findall(r"^([a-z-]+):.*## ", repository_text("Makefile"), re.MULTILINE))
    text = "\n\n".join(paragraph for paragraph in README.split("\n\n") if "(demo/" not in paragraph)
    used = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert "up" in used
    assert used <= verbs


def test_readme_links_lead_to_existing_files() -> None:
    """A broken link stops a reader. The demo's own test follows the links into `demo`."""
    links = re.findall(r"\]\((?!http|demo/)([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_repository_root_has_the_fixed_names() -> None:
    """Seven names at the root are fixed, so no change may rename them."""
    fixed = ["docker-compose.yml", "docker", "user_code", "dagster.yaml", "workspace.yaml", "tests", "README.md"]
    assert [name for name in fixed if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("folder", locks())
def test_locks_pin_hashes_and_name_no_registry(folder: str) -> None:
    """A mirror can then serve the packages, but it cannot change them."""
    text = repository_text(f"{folder}/requirements.txt")
    packages = re.findall(r"^[a-z0-9-]+==.*(?:\n .*)*", text, re.MULTILINE)
    assert len(packages) > 1
    assert [package for package in packages if "--hash=sha256:" not in package] == []
    assert "://" not in text


def test_images_install_the_same_dagster_version() -> None:
    """Dagster's processes exchange messages in a format that depends on the version."""
    versions = [
        {name: locked(folder)[name] for name in ("dagster", "dagster-postgres", "sqlalchemy")}
        for folder in ("docker/dagster", "locations/user_code", "tests")
    ]
    assert versions[0] == versions[1] == versions[2]
    assert versions[0]["dagster"] == {"1.13.27"}


def test_tests_install_the_same_package_versions_as_the_images() -> None:
    """Tests with another version would not test the shipped packages."""
    mine = locked("tests")
    for folder in shipped_locks():
        assert {name: versions for name, versions in locked(folder).items() if versions - mine.get(name, set())} == {}, folder


def test_bench_deployment_writes_to_the_same_folders_as_this_one() -> None:
    """Its root is read-only. Once, all its jobs failed, and nobody noticed it before a bench."""
    ours, theirs = (yaml.safe_load(repository_text(path)) for path in ("dagster.yaml", "bench/official_settings/dagster.yaml"))
    written = ("compute_logs", "local_artifact_storage")
    assert {name: theirs[name]["config"] for name in written} == {name: ours[name]["config"] for name in written}


def test_repository_holds_no_usable_password() -> None:
    """Every reader of the repository could use it. Only the tests may have one, for their own Postgres on loopback."""
    pattern = re.compile(r"(?i)(password|passwd|secret|token)\s*[=:]\s*['\"]?(?-i:[a-z0-9+/_-]{6,})")
    texts = {
        path: repository_text(path) for path in tracked() if not path.endswith((".png", ".txt")) and not path.startswith("tests/")
    }
    found = {path: match[0] for path, text in texts.items() if (match := pattern.search(text))}
    allowed = {"docker-compose.yml": "PASSWORD_FILE", "docker/offline/postgres-entrypoint.sh": "password"}
    assert {path: text for path, text in found.items() if path not in allowed} == {}


def test_issues_are_named_by_their_full_address() -> None:
    """A number alone does not say whose issue it is, and cannot be opened."""
    pattern = re.compile(r"(?i)\b(?:issues?|pull requests?|PR) #?\d+")
    texts = {path: repository_text(path) for path in tracked() if not path.endswith(".png")}
    assert {path: match[0] for path, text in texts.items() if (match := pattern.search(text))} == {}
