"""Selects the deployment's Compose files. RUN_ISOLATION, EDGE and others change the files that .env names."""

from __future__ import annotations

from collections.abc import Mapping

BASE = "docker-compose.yml"
WORKER, NO_GATEWAY = "docker/compose.worker.yml", "docker/compose.no-gateway.yml"
WORKER_GATEWAY = "docker/compose.worker-gateway.yml"
BACKUP, OFFSITE = "docker/compose.backup.yml", "docker/compose.offsite.yml"
# `make up` writes it: the volumes that go off-site.
MOUNTS = ".releases/offsite.yml"
MONITORING, GRAFANA = "docker/compose.monitoring.yml", "docker/compose.grafana.yml"
EDGE, OIDC = "docker/compose.edge.yml", "docker/compose.oidc.yml"
# The file of RUN_ISOLATION=process, which an earlier release had.
REMOVED = "docker/compose.process.yml"
# The allowed values of each variable, and the file that each value adds.
OVERLAYS: dict[str, dict[str, str | None]] = {
    "RUN_ISOLATION": {"container": None, "worker": WORKER},
    # It adds to the gateway, which the next one may take away.
    "MONITORING": {"0": None, "1": MONITORING},
    "GRAFANA": {"0": None, "1": GRAFANA},
    "LAUNCH_GATEWAY": {"1": None, "0": NO_GATEWAY},
    "WORKER_GATEWAY": {"0": None, "1": WORKER_GATEWAY},
    "BACKUP": {"0": None, "1": BACKUP},
    "OFFSITE": {"0": None, "1": OFFSITE},
    "EDGE": {"0": None, "1": EDGE},
    "LOGIN": {"password": None, "oidc": OIDC},
    "EDGE_TLS": {"auto": None, "internal": None},
}


class OverlayError(Exception):
    """A variable's value is not allowed. The message names both, and the allowed values."""


def _known(environ: Mapping[str, str], current: set[str]) -> list[str]:
    """The files of the enabled overlays, in the table's order: a later one may depend on an earlier one."""
    files = []
    for name, choices in OVERLAYS.items():
        value = environ.get(name) or next((value for value, file in choices.items() if file in current), "")
        if value and value not in choices:
            raise OverlayError(f"{name} is set to '{value}', which is not allowed: it must be {' or '.join(choices)}.")
        files += [file] if (file := choices.get(value)) else []
    return files


def compose_files(current: str, environ: Mapping[str, str]) -> str:
    """The new value of COMPOSE_FILE. A variable that is not set changes nothing. Unknown files stay, at the end.

    Raises:
        OverlayError: a value is not allowed.
    """
    files = [file for file in current.split(":") if file]
    known = _known(environ, set(files))
    for needs, needed, variable, said in (
        (OIDC, EDGE, "LOGIN", "LOGIN is set to 'oidc', which needs the edge: add EDGE=1, or go back with LOGIN=password."),
        (OFFSITE, BACKUP, "OFFSITE", "OFFSITE is set to '1', which needs the database's WAL: add BACKUP=1."),
        (GRAFANA, MONITORING, "GRAFANA", "GRAFANA is set to '1', which shows what Prometheus keeps: add MONITORING=1."),
        (NO_GATEWAY, WORKER, "LAUNCH_GATEWAY", "LAUNCH_GATEWAY is set to '0', which needs workers: add RUN_ISOLATION=worker."),
        (
            WORKER_GATEWAY,
            WORKER,
            "WORKER_GATEWAY",
            "WORKER_GATEWAY is set to '1', which needs workers: add RUN_ISOLATION=worker.",
        ),
    ):
        if needs in known and needed not in known:
            if environ.get(variable):
                raise OverlayError(said)
            known.remove(needs)
    if OFFSITE in known:
        known.insert(known.index(OFFSITE) + 1, MOUNTS)
    offered = {BASE, REMOVED, MOUNTS, *(file for choices in OVERLAYS.values() for file in choices.values())}
    return ":".join([BASE, *known, *(file for file in files if file not in offered)])
