"""The picture of docs/architecture.md, made of docker-compose.yml: `python -m tests.architecture` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from operate.compose import ROOT

PAGE = ROOT / "docs/architecture.md"
BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def lines(compose: Mapping[str, Any]) -> Iterator[str]:
    """A zone is a hexagon, a service a box; a line joins a service with each of its zones."""
    yield "flowchart LR"
    services = {
        name: service for name, service in compose["services"].items() if service.get("networks") and "profiles" not in service
    }
    for zone, options in compose["networks"].items():
        yield f"    {zone}{{{{{zone}}}}}"
        if not (options or {}).get("internal"):
            yield f"    {zone} -.-> outside_world((beyond this host))"
        for name in sorted(name for name, service in services.items() if zone in service["networks"]):
            yield f"    {name}_service[{name}] --- {zone}"
    for zone in ("runs", "runs_egress"):
        yield f"    run[a container per run] --- {zone}"


def picture() -> str:
    """The text of the picture, as Mermaid has it."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return "".join(f"{line}\n" for line in lines(compose))


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(picture(), PAGE.read_text()))
