"""Every place pins the same version of each image. Each test names the problem that a pin prevents."""

from __future__ import annotations

import re

import pytest

from tests.conftest import repository_text
from tests.static.test_repository import locked, locks, tracked


def test_images_pin_a_filelock_without_audit_hook() -> None:
    """The package filelock installs an audit hook from 3.30 on, which slows every event of Python 3.12 and newer."""
    versions = {folder: locked(folder).get("filelock") for folder in locks() if folder != "scripts/scanner"}
    for folder in ("docker/dagster", "locations/user_code", "tests"):
        assert versions.pop(folder) == {"3.29.7"}, folder
    assert set(versions.values()) == {None}


def pinned(name: str) -> dict[str, set[str]]:
    """Returns the tags of an official image by file, for each file that names the image."""
    texts = {path: repository_text(path) for path in tracked("docker*", ".env.example")}
    found = {
        path: set(re.findall(rf"(?<![\w/.@]){name}:(\d[\w.-]+)", text)) for path, text in texts.items() if "offline" not in path
    }
    return {path: tags for path, tags in found.items() if tags}


@pytest.mark.parametrize("folder", ["offline", "connection_pool"])
def test_health_checks_call_postgres_programs_not_debian_wrappers(folder: str) -> None:
    """The wrappers in /usr/bin are Perl. Each `pg_isready` takes 0.05 s of CPU with them, and less than 0.01 s without."""
    paths = re.findall(r"^ENV PATH=(\S+)", repository_text(f"docker/{folder}/Dockerfile"), re.MULTILINE)
    assert paths == ["/usr/lib/postgresql/$PG_MAJOR/bin:$PATH"]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("python", {"docker-compose.yml", "docker/compose.edge.yml", "docker/worker_gateway/Dockerfile", ".env.example"}),
        ("postgres", {"docker-compose.yml", "docker/connection_pool/Dockerfile", ".env.example"}),
        ("caddy", {"docker/compose.edge.yml", "docker/edge/Dockerfile", ".env.example"}),
        ("valkey/valkey", {"docker/compose.worker.yml", ".env.example"}),
    ],
)
def test_files_pin_the_same_version_of_a_base_image(name: str, places: set[str]) -> None:
    """A forgotten place would build one image from another version. CONTRIBUTING.md says how to move a pin."""
    found = pinned(name)
    assert places <= found.keys()
    (tag,) = set().union(*found.values())
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-slim)?-(trixie|alpine)", tag)


def base_images(text: str) -> set[str]:
    """Returns the images that a Dockerfile starts from, without its own stages."""
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE)) | {"scratch"}
    return set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages


def test_dockerfiles_take_base_images_from_build_arguments() -> None:
    """A mirror can then replace each base image. The default of each build argument is pinned."""
    paths = tracked("docker/*/Dockerfile", "demo/*/Dockerfile")
    arguments = {path: base_images(repository_text(path)) for path in paths}
    del arguments["docker/offline/Dockerfile"]
    assert {image for images in arguments.values() for image in images} == {
        "${PYTHON_IMAGE}",
        "${POSTGRES_IMAGE}",
        "${CADDY_IMAGE}",
        "${PROMETHEUS_IMAGE}",
        "${ALERTMANAGER_IMAGE}",
        "${POSTGRES_EXPORTER_IMAGE}",
        "${PGBOUNCER_EXPORTER_IMAGE}",
        "${GRAFANA_IMAGE}",
    }
