"""The oldest supported Compose reads the Compose files, and Compose rejects wrong settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from operate.compose import ROOT
from operate.preflight import OLDEST_COMPOSE, version
from tests.static.test_hardening import FILES, HOST, OFFSITE, OIDC


@pytest.fixture(scope="module")
def oldest_compose() -> Path:
    """Returns the path of Compose 2.26.1, which comes from the packages of Debian 13. The user's cache keeps it."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = caches / f"docker-compose-{'.'.join(map(str, OLDEST_COMPOSE))}"
    if found.exists():
        return found
    if not shutil.which("apt-get"):
        if "CI" in os.environ:
            pytest.fail("the oldest Compose is fetched with apt-get: run CI on Debian or Ubuntu")
        pytest.skip("the oldest Compose is fetched with apt-get, which is not here")
    caches.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=caches) as home:
        environ = {**os.environ, "ENGINE_HOME": home, "ENGINE_SUITE": "trixie"}
        fetch = [ROOT / "docker/offline/engine.sh", "fetch", "docker-compose"]
        subprocess.run(fetch, env=environ, check=True, capture_output=True)
        return (Path(home) / "root/usr/libexec/docker/cli-plugins/docker-compose").replace(found)


def config(command: list[str | Path], **settings: str) -> subprocess.CompletedProcess[str]:
    command = [*command, "--project-name", "text", "--env-file", "/dev/null", "config", "--format", "json"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, text=True, capture_output=True, check=False)


def test_oldest_compose_reads_the_same_services_as_newest_compose(oldest_compose: Path) -> None:
    """Merge keys, anchors, conditions and health checks must mean the same in every supported version."""
    assert (
        version(subprocess.run([oldest_compose, "version", "--short"], check=True, text=True, capture_output=True).stdout)
        == OLDEST_COMPOSE
    )
    old, new = config([oldest_compose]), config(["docker", "compose"])
    assert old.stderr == ""
    models = [json.loads(each.stdout)["services"] for each in (old, new)]
    for name in models[1]:
        for key in (
            "image",
            "command",
            "environment",
            "healthcheck",
            "networks",
            "depends_on",
            "cap_drop",
            "read_only",
            "mem_limit",
        ):
            assert models[0][name].get(key) == models[1][name].get(key), (name, key)


@pytest.mark.parametrize("files", FILES)
def test_oldest_compose_reads_every_overlay(oldest_compose: Path, files: str) -> None:
    """The meaning of `!reset` and `extends` changed between versions of Compose."""
    read = config([oldest_compose], COMPOSE_FILE=FILES[files], **OIDC, **OFFSITE, **HOST)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize(("name", "value"), [("WEBSERVER_PORT", "many"), ("DAEMON_MEMORY", "lots")])
def test_compose_rejects_wrong_values_and_names_them(name: str, value: str) -> None:
    """The operator then corrects the setting before any container starts."""
    refused = config(["docker", "compose"], **{name: value})
    assert refused.returncode != 0
    assert value in refused.stderr


@pytest.mark.parametrize("name", OIDC)
def test_compose_names_missing_openid_connect_setting(name: str) -> None:
    """The operator then knows which setting is missing in .env."""
    refused = config(["docker", "compose"], COMPOSE_FILE=FILES["oidc"], **{**OIDC, name: ""})
    assert refused.returncode != 0
    assert f"required variable {name} is missing a value: set it in .env to " in refused.stderr
