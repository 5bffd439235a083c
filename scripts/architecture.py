"""The picture of docs/architecture.md, made of docker-compose.yml: `python -m scripts.architecture` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from operate.compose import ROOT
from scripts.compose_text import compose_file

PAGE = ROOT / "docs/architecture.md"
LABELS = {"code_server": "a code server per location"}
BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def lines(compose: Mapping[str, Any]) -> Iterator[str]:
    """A zone is a hexagon, a service a box; a line joins a service with each of its zones."""
    yield "flowchart LR"
    services = {
        name: service for name, service in compose["services"].items() if service.get("networks") and "profiles" not in service
    }
    services["code_server"] = compose_file("docker/code_server/container.yml")["services"]["code_server"]
    for zone, options in compose["networks"].items():
        yield f"    {zone}{{{{{zone}}}}}"
        if not (options or {}).get("internal"):
            yield f"    {zone} -.-> outside_world((beyond this host))"
        for name in sorted(name for name, service in services.items() if zone in service["networks"]):
            yield f"    {name}_service[{LABELS.get(name, name)}] --- {zone}"
    for zone in ("runs", "runs_egress"):
        yield f"    run[a container per run] --- {zone}"


def picture() -> str:
    """The text of the picture, as Mermaid has it."""
    return "".join(f"{line}\n" for line in lines(compose_file("docker-compose.yml")))


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(picture(), PAGE.read_text()))
