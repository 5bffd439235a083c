"""A copy of the repository that runs an older release: an older Dagster, Postgres 15, a service and a volume of other names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from operate.compose import ROOT
from operate.env_file import replace_in_env, settings
from operate.up import OFFLINE, is_present, pulled
from tests.locations.house import House, copied, housed

PROJECT = f"upgrade_test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
UV = [sys.executable, "-m", "uv", "--quiet", "--no-config", "pip", "compile", "--universal", "--python-version", "3.11"]
# The oldest with which this deployment's own code works: tests/integration has history of Dagster 1.11.
OLD_DAGSTER, OLD_LIBRARIES = "1.13.3", "0.29.3"
SERVICE = """
  {name}:
    <<: *dagster-image
    extends: *service
    command: [sh, -c, "cd /var/lib/dagster/letters; [ -e letter ] || date > letter; exec sleep infinity"]
    volumes: ["{name}_data:/var/lib/dagster/letters"]
    tmpfs: ["/tmp"]
    user: "0:0"
    network_mode: none
    healthcheck: {{test: [CMD, "true"]}}

# Networks, as zones of trust.
"""


def add_service(folder: Path, name: str) -> None:
    """Gives the deployment one more service, with a volume of its own."""
    file = folder / "docker-compose.yml"
    text = file.read_text().replace("\n# Networks, as zones of trust.\n", SERVICE.format(name=name), 1)
    file.write_text(text.replace("\nvolumes:\n", f"\nvolumes:\n  {name}_data:\n", 1))


def make_older(folder: Path) -> None:
    """Makes a folder one of the older release: its Dagster, its Postgres, its service."""
    copied(folder)
    pins = folder / "docker/dagster/constraints.txt"
    text = re.sub(r"^(dagster(?:-graphql|-webserver)?)==.*$", rf"\1=={OLD_DAGSTER}", pins.read_text(), flags=re.MULTILINE)
    pins.write_text(re.sub(r"^(dagster-(?:postgres|docker))==.*$", rf"\1=={OLD_LIBRARIES}", text, flags=re.MULTILINE))
    lock = ["--generate-hashes", "--no-emit-index-url", "--output-file", "requirements.txt", "requirements.in"]
    subprocess.run([*UV, *lock], cwd=folder / "docker/dagster", check=True, capture_output=True)
    # `make up` makes it again.
    (folder / "locations/user_code/requirements.txt").unlink()
    add_service(folder, "archive")
    replace_in_env(folder / ".env", {"POSTGRES_IMAGE": old_postgres()})
    # The PgBouncer of Debian 12 is too old for the pools.
    file = folder / "docker-compose.yml"
    pools, _, rest = file.read_text().partition("    POSTGRES_IMAGE: &postgres-image ")
    here, _, rest = rest.partition("\n")
    file.write_text(f"{pools}    POSTGRES_IMAGE: {postgres()}\nx-postgres-image: &postgres-image {here}\n{rest}")


def make_newer(folder: Path) -> None:
    """Replaces the files of the older release by those of this one, as `git pull` does."""
    copied(folder)
    add_service(folder, "library")
    file = folder / "docker-compose.yml"
    file.write_text(f"{file.read_text()}\nx-renamed-volumes: {{library_data: archive_data}}\n")
    replace_in_env(folder / ".env", {"POSTGRES_IMAGE": postgres()})


def postgres() -> str:
    """Returns the image of Postgres 17 that `ensure_base_images` has chosen."""
    return settings(ROOT / ".env").get("POSTGRES_IMAGE", "postgres:17.11-trixie")


def old_postgres() -> str:
    """Returns an image of Postgres 15."""
    if is_present("postgres:15-bookworm") or pulled("postgres:15-bookworm"):
        return "postgres:15-bookworm"
    subprocess.run([OFFLINE / "base_images.sh", "postgres15"], check=True, capture_output=True)
    return "offline-postgres:15-bookworm"


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yields the copy, which runs the older release."""
    with housed(request, tmp_path_factory.mktemp("upgrade"), PROJECT) as house:
        make_older(house.folder)
        house.made("up")
        yield house
