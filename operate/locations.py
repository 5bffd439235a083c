"""The code locations of this deployment: a folder in `locations/` and a service of the same name for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operate.compose import ROOT, model

FOLDER, WORKSPACE = ROOT / "locations", ROOT / "workspace.yaml"


def tag_variable(name: str) -> str:
    """The variable that holds the tag of a location's image."""
    return f"{name.upper()}_TAG"


@dataclass(frozen=True)
class Location:
    """A code location: its name, its Compose service, and the folder of its Dagster project."""

    name: str
    service: Mapping[str, Any]

    @property
    def worker(self) -> str:
        """The name of its worker's service, which has a container with RUN_ISOLATION=worker."""
        return f"{self.name}_worker"

    @property
    def folder(self) -> Path:
        """The folder with its Compose file and its lock."""
        return Path(self.service["build"]["additional_contexts"]["location"])

    @property
    def project(self) -> Path:
        """The folder of its Dagster project."""
        return Path(self.service["build"]["additional_contexts"]["project"])

    @property
    def image(self) -> str:
        """The name of its image, without the tag."""
        return str(self.service["image"]).rpartition(":")[0]

    @property
    def tag_variable(self) -> str:
        """The variable that holds the tag of its image."""
        return tag_variable(self.name)

    @property
    def build_args(self) -> Mapping[str, str]:
        """The arguments of its image's build."""
        return dict(self.service["build"].get("args") or {})


def locations(deployment: Mapping[str, Any] | None = None) -> list[Location]:
    """The code locations of a Compose model, in alphabetical order.

    Raises:
        CommandError: Compose rejects the settings.
    """
    services = (deployment or model())["services"]
    there = sorted(file.parent.name for file in FOLDER.glob("*/compose.yml"))
    return [Location(name, services[name]) for name in there if is_built(services.get(name, {}))]


def copies(service: Mapping[str, Any]) -> int:
    """The number of containers that a service has."""
    return int((service.get("deploy") or {}).get("replicas", service.get("scale", 1)))


def has_worker(deployment: Mapping[str, Any], location: Location) -> bool:
    """Whether a worker executes the location's runs."""
    return bool(copies(deployment["services"].get(location.worker, {"scale": 0})))


def is_built(service: Mapping[str, Any]) -> bool:
    """Whether a service's image is built of a project. An operator may host an image of a registry, too."""
    return "project" in ((service.get("build") or {}).get("additional_contexts") or {})
