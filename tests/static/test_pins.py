"""Each image version has one pin in every place. The tests say what a pin keeps away."""

from __future__ import annotations

import re

import pytest

from tests.conftest import repository_text
from tests.static.test_repository import locked, locks, tracked


def test_no_image_has_a_filelock_that_slows_every_event_down() -> None:
    """With an audit hook, from 3.30 on: docker/dagster/constraints.txt. Only Python 3.12 and newer show it."""
    versions = {folder: locked(folder).get("filelock") for folder in locks() if folder != "scripts/scanner"}
    for folder in ("docker/dagster", "user_code", "tests"):
        assert versions.pop(folder) == {"3.29.7"}, folder
    assert set(versions.values()) == {None}


def pinned(name: str) -> dict[str, set[str]]:
    """Returns the tags of an official image by file, wherever a file names one."""
    texts = {path: repository_text(path) for path in tracked("docker*", ".env.example")}
    found = {
        path: set(re.findall(rf"(?<![\w/.]){name}:(\d[\w.-]+)", text)) for path, text in texts.items() if "offline" not in path
    }
    return {path: tags for path, tags in found.items() if tags}


@pytest.mark.parametrize("folder", ["offline", "connection_pool"])
def test_probes_call_postgres_programs_and_not_debian_s_wrappers(folder: str) -> None:
    """The wrappers, in /usr/bin, are Perl: 0.05 s of CPU for each `pg_isready`, which takes less than 0.01 s itself."""
    paths = re.findall(r"^ENV PATH=(\S+)", repository_text(f"docker/{folder}/Dockerfile"), re.MULTILINE)
    assert paths == ["/usr/lib/postgresql/$PG_MAJOR/bin:$PATH"]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("python", {"docker-compose.yml", "docker/compose.edge.yml", ".env.example"}),
        ("postgres", {"docker-compose.yml", "docker/connection_pool/Dockerfile", ".env.example"}),
        ("caddy", {"docker/compose.edge.yml", "docker/edge/Dockerfile", ".env.example"}),
    ],
)
def test_a_base_image_has_one_pin_in_every_place(name: str, places: set[str]) -> None:
    """A version of three numbers, or two of Postgres, and the distribution: CONTRIBUTING.md says how to move it."""
    found = pinned(name)
    assert places <= found.keys()
    (tag,) = set().union(*found.values())
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-slim)?-(trixie|alpine)", tag)


def test_every_image_is_built_from_a_pinned_one() -> None:
    """A build argument with a default in the Dockerfile names it, so that a mirror can replace it."""
    paths = tracked("docker/*/Dockerfile", "demo/*/Dockerfile")
    arguments = {path: re.findall(r"^FROM (\S+)", repository_text(path), re.MULTILINE) for path in paths}
    del arguments["docker/offline/Dockerfile"]
    assert {image for images in arguments.values() for image in images} == {
        "${PYTHON_IMAGE}",
        "${POSTGRES_IMAGE}",
        "${CADDY_IMAGE}",
    }
