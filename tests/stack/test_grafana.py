"""GRAFANA=1. No package holds Grafana, so these tests build its image from another one, and do not run it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from operate.compose import CommandError, run
from operate.overlays import GRAFANA, MONITORING
from operate.up import check_grafana
from tests.stack.conftest import Stack

CONTENT = "import json, sys; print(json.dumps({path: open(path).read() for path in sys.argv[1:]}))"
PROVIDED = "/etc/grafana/provisioning"
ABSENT = "127.0.0.1:1/grafana:12.3.1-ubuntu"


@pytest.fixture
def monitored(stack: Stack) -> dict[str, dict[str, Any]]:
    """Returns the services of a deployment with metrics and Grafana."""
    files = f"{stack.environ['COMPOSE_FILE']}:{MONITORING}:{GRAFANA}".split(":")
    asked = [argument for file in files for argument in ("--file", file)]
    found: dict[str, dict[str, Any]] = json.loads(stack.compose(*asked, "config", "--format", "json"))["services"]
    return found


@pytest.fixture
def image(stack: Stack, monitored: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yields the image of docker/grafana/Dockerfile, with Python in place of Grafana."""
    name = f"{stack.project}/grafana:stand-in"
    base = monitored["prometheus"]["build"]["args"]["PYTHON_IMAGE"]
    file = ["--file", "docker/grafana/Dockerfile", "--build-arg", f"GRAFANA_IMAGE={base}"]
    run(["docker", "build", "--quiet", *file, "--tag", name, "."], capture=True)
    yield name
    run(["docker", "image", "rm", "--force", name], capture=True)


def test_grafana_finds_the_dashboard_and_prometheus(image: str, monitored: dict[str, dict[str, Any]]) -> None:
    """A wrong path or address would show an empty Grafana, without an error."""
    home = monitored["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    paths = [f"{PROVIDED}/dashboards/dashboards.yml", f"{PROVIDED}/datasources/datasources.yml", home]
    python = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", CONTENT, *paths]
    dashboards, sources, dashboard = json.loads(run(python, capture=True)).values()
    (provider,) = yaml.safe_load(dashboards)["providers"]
    assert provider["options"]["path"] == home.rpartition("/")[0]
    assert json.loads(dashboard)["title"] == "Dagster"
    (source,) = yaml.safe_load(sources)["datasources"]
    assert urlsplit(source["url"]).hostname in monitored
    assert monitored["grafana"]["networks"] == monitored["prometheus"]["networks"]
    assert monitored["prometheus"]["ports"][0]["target"] == urlsplit(source["url"]).port


def test_grafana_that_cannot_be_pulled_is_refused_in_a_sentence(monitored: dict[str, dict[str, Any]]) -> None:
    """Without a registry, base images are built here, and Grafana's cannot be."""
    monitored["grafana"]["build"]["args"]["GRAFANA_IMAGE"] = ABSENT
    with pytest.raises(CommandError) as refused:
        check_grafana(monitored)
    assert str(refused.value) == (
        f"Grafana's image {ABSENT} cannot be pulled, and no package holds Grafana: "
        "set GRAFANA_IMAGE to one that can be pulled, or go on with GRAFANA=0."
    )
