"""The oldest supported Compose reads the Compose text, and refuses nonsense."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from operate.compose import ROOT
from operate.preflight import OLDEST_COMPOSE, version
from tests.static.test_hardening import FILES, OIDC


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns Compose 2.26.1 from Debian 13's packages."""
    if not shutil.which("apt-get"):
        if "CI" in os.environ:
            pytest.fail("the oldest Compose is fetched with apt-get: run CI on Debian or Ubuntu")
        pytest.skip("the oldest Compose is fetched with apt-get, which is not here")
    home = tmp_path_factory.mktemp("compose")
    environ = {**os.environ, "ENGINE_HOME": str(home), "ENGINE_SUITE": "trixie"}
    subprocess.run([ROOT / "docker/offline/engine.sh", "fetch", "docker-compose"], env=environ, check=True, capture_output=True)
    return home / "root/usr/libexec/docker/cli-plugins/docker-compose"


def config(command: list[str | Path], **settings: str) -> subprocess.CompletedProcess[str]:
    command = [*command, "--project-name", "text", "--env-file", "/dev/null", "config", "--format", "json"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, text=True, capture_output=True, check=False)


def test_the_oldest_supported_compose_reads_it_as_the_newest_does(oldest: Path) -> None:
    """Both read merge keys, anchors, conditions and probes alike."""
    assert (
        version(subprocess.run([oldest, "version", "--short"], check=True, text=True, capture_output=True).stdout)
        == OLDEST_COMPOSE
    )
    old, new = config([oldest]), config(["docker", "compose"])
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
def test_the_oldest_supported_compose_reads_every_overlay(oldest: Path, files: str) -> None:
    """The test reads every combination of overlays: `!reset` and `extends` changed between versions."""
    read = config([oldest], COMPOSE_FILE=FILES[files], **OIDC)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize(("name", "value"), [("WEBSERVER_PORT", "many"), ("DAEMON_MEMORY", "lots")])
def test_compose_refuses_nonsense_where_it_can_tell(name: str, value: str) -> None:
    """Compose names a port that is no number, or a size that is none, and reads nothing further."""
    refused = config(["docker", "compose"], **{name: value})
    assert refused.returncode != 0
    assert value in refused.stderr


@pytest.mark.parametrize("name", OIDC)
def test_compose_names_what_an_openid_connect_login_lacks(name: str) -> None:
    """The error says which value to set."""
    refused = config(["docker", "compose"], COMPOSE_FILE=FILES["oidc"], **{**OIDC, name: ""})
    assert refused.returncode != 0
    assert f"required variable {name} is missing a value: set it in .env to " in refused.stderr
