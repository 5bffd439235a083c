"""The Compose file with the volumes that OFFSITE=1 copies."""

from __future__ import annotations

from operate import volumes
from operate.compose import ROOT, model
from operate.overlays import MOUNTS


def write_mounts(compose_file: str) -> None:
    """Writes the Compose file with the volumes that go off-site, if COMPOSE_FILE names it. Code locations have their own."""
    file = ROOT / MOUNTS
    if MOUNTS not in compose_file.split(":"):
        return
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_text("services: {}\n")
    file.write_text(mounts_text(sorted(volumes.kept(model()))))


def mounts_text(keys: list[str]) -> str:
    """The Compose file: every volume that a backup file holds. An empty one must get the owner that its own service wants."""
    lines = ["# `make up` writes this file: the volumes that go off-site.", "services:"]
    for service, writable in (("offsite", False), ("offsite_restore", True)):
        lines += [f"  {service}:", "    volumes:"]
        for key in keys:
            mount = f"type: volume, source: {key}, target: /data/1/{key}, volume: {{nocopy: true}}"
            lines.append(f"      - {{{mount}{'' if writable else ', read_only: true'}}}")
    return "\n".join([*lines, ""])
