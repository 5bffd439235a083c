"""Every service of every shipped Compose file follows these rules. Compose prints the services with all settings filled in."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from typing import Any

import pytest

from operate.compose import ROOT
from operate.locations import copies
from operate.offsite_mounts import mounts_text

# The supported combinations of Compose files, in the format of COMPOSE_FILE.
FILES = {
    "default": "docker-compose.yml",
    "worker": "docker-compose.yml:docker/compose.worker.yml",
    "no gateway": "docker-compose.yml:docker/compose.worker.yml:docker/compose.no-gateway.yml",
    "worker hosts": "docker-compose.yml:docker/compose.worker.yml:docker/compose.worker-gateway.yml",
    "a worker host": "docker/compose.worker-host.yml",
    "backup": "docker-compose.yml:docker/compose.backup.yml",
    "monitoring": "docker-compose.yml:docker/compose.backup.yml:docker/compose.monitoring.yml:docker/compose.grafana.yml",
    "no gateway and monitoring": (
        "docker-compose.yml:docker/compose.worker.yml:docker/compose.monitoring.yml:docker/compose.no-gateway.yml"
    ),
    "offsite": "docker-compose.yml:docker/compose.backup.yml:docker/compose.offsite.yml",
    "edge": "docker-compose.yml:docker/compose.edge.yml",
    "no gateway and edge": ("docker-compose.yml:docker/compose.worker.yml:docker/compose.no-gateway.yml:docker/compose.edge.yml"),
    "oidc": "docker-compose.yml:docker/compose.edge.yml:docker/compose.oidc.yml",
    "official": "docker-compose.yml:bench/official_settings/compose.yml",
}
# These variables have no default, because only the operator can know them.
HOST = {"WORKER_GATEWAY_IMAGE": "text/worker_gateway:local", "WORKER_GATEWAY_ADDRESS": "h1", "WORKER_GATEWAY_PORT": "7443"}
OFFSITE = {"BACKUP_REPOSITORY": "s3:https://s3.example.org/copies", "BACKUP_REPOSITORY_KEY_FILE": "/dev/null"}
OIDC = {"OIDC_ISSUER": "https://id.example.org", "OIDC_CLIENT_ID": "dagster", "OIDC_CLIENT_SECRET_FILE": "/dev/null"}
ONE_SHOT = {
    "secrets", "roles", "migrate", "user_admin", "evaluation", "user_code_secrets", "broker_secrets", "broker_users",
    "worker_certificates", "database_restore", "offsite_restore",
}  # fmt: skip
# These hand out files to other users. They have no network.
HANDING_OUT = {"secrets", "user_code_secrets", "broker_secrets", "worker_certificates"}
# These copy files of every user. They reach the repository of copies, and no other service.
COPYING = {"offsite", "offsite_restore"}
ROOT_SERVICES = HANDING_OUT | COPYING
# The zones of each service. tests/stack/test_zones.py tests which connections they allow.
ZONES = {
    "postgres": "database",
    "roles": "database",
    "connection_pool": "database storage",
    "run_connection_pool": "database runs runs_egress",
    "migrate": "storage",
    "users_api": "runs runs_egress",
    "user_code": "code outside runs",
    "launch_gateway": "engine",
    "webserver": "code engine public storage",
    "daemon": "code engine storage",
    "maintenance": "engine storage",
    "monitor": "public storage",
    "prometheus": "monitoring",
    "grafana": "monitoring",
    "alertmanager": "monitoring",
    "postgres_exporter": "database monitoring",
    "pool_exporter": "monitoring storage",
    "run_pool_exporter": "database monitoring",
    "evaluation": "public runs",
    "webserver_viewers": "code public storage",
    "edge": "login public",
    "login": "login",
    "secrets": "",
    "user_code_secrets": "",
    "user_admin": "",
    "broker_secrets": "",
    "broker": "dispatch work",
    "broker_users": "dispatch",
    "user_code_worker": "runs work",
    "worker_certificates": "",
    "deployment": "outside runs",
    "worker_gateway": "worker_gateway worker_hosts",
    "backup": "database",
    "database_restore": "",
    "offsite": "offsite",
    "offsite_restore": "offsite",
}
# Exceptions: with workers, webserver and daemon reach the broker; OpenID Connect has an external provider; official settings
# have no pool.
OTHER_ZONES = {
    ("worker", "webserver"): "code dispatch engine public storage",
    ("worker", "daemon"): "code dispatch engine storage",
    ("worker hosts", "webserver"): "code dispatch engine public storage",
    ("worker hosts", "daemon"): "code dispatch engine storage",
    ("worker hosts", "broker"): "dispatch work worker_gateway",
    ("worker hosts", "run_connection_pool"): "database runs runs_egress worker_gateway",
    ("no gateway", "webserver"): "code dispatch public storage",
    ("no gateway", "daemon"): "code dispatch storage",
    ("no gateway", "maintenance"): "storage",
    ("no gateway and edge", "maintenance"): "storage",
    ("no gateway and monitoring", "maintenance"): "storage",
    ("no gateway and edge", "webserver"): "code dispatch public storage",
    ("no gateway and monitoring", "webserver"): "code dispatch public storage",
    ("no gateway and edge", "daemon"): "code dispatch storage",
    ("no gateway and monitoring", "daemon"): "code dispatch storage",
    ("oidc", "login"): "login provider",
    ("monitoring", "monitor"): "monitoring public storage",
    ("no gateway and monitoring", "monitor"): "monitoring public storage",
    ("official", "postgres"): "database runs storage",
}
# The limit holds for each process. Only the Postgres session above it fails. Without the limit, all sessions crashed.
LIMITS = {"postgres": {"data": 192 * 1024 * 1024}}
# `make up` writes another tag to .env, and an included Compose file reads .env even if the command names another file.
TAGS = {"USER_CODE_TAG": "local"}
CAPABILITIES = {
    **{name: ["CHOWN", "DAC_OVERRIDE"] for name in HANDING_OUT},
    "offsite": ["DAC_READ_SEARCH"],
    "offsite_restore": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"],
}
# It sets the modes of files that it has given to other users.
OTHER_CAPABILITIES = {("a worker host", "secrets"): ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}
WORKSPACE = {str(ROOT / "workspace.yaml"): True}
# Services with an image of their own have it in their image.
BIN = {str(ROOT / "docker/bin"): True}
BINDS = {
    "postgres": BIN,
    "secrets": {str(ROOT / "locations"): True},
    "roles": {str(ROOT / "docker/postgres/roles.sh"): True, **BIN},
    "launch_gateway": {"/var/run/docker.sock": False, str(ROOT / "locations"): True},
    "user_code_secrets": {str(ROOT / "user_code"): True},
    "broker": {str(ROOT / "docker/broker/broker.conf"): True, **BIN},
    "broker_users": BIN,
    "broker_secrets": {str(ROOT / "locations"): True},
    **dict.fromkeys(("webserver", "webserver_viewers", "daemon"), WORKSPACE),
}
OTHER_BINDS = {
    ("a worker host", "secrets"): {str(ROOT / "docker/secrets.tar"): True},
    ("backup", "postgres"): {str(ROOT / "docker/backup/pg_hba.conf"): True, **BIN},
    ("monitoring", "postgres"): {str(ROOT / "docker/backup/pg_hba.conf"): True, **BIN},
    ("offsite", "postgres"): {str(ROOT / "docker/backup/pg_hba.conf"): True, **BIN},
}


def isolation(files: str) -> str:
    """Returns the RUN_ISOLATION that `make up` writes to .env for a combination of Compose files."""
    return "worker" if "compose.worker.yml" in FILES[files] else "container"


@functools.cache
def services(files: str) -> dict[str, dict[str, Any]]:
    """Returns the services of a combination of Compose files, by name."""
    command = [
        "docker",
        "compose",
        "--project-name",
        "text",
        "--env-file",
        "/dev/null",
        "--profile",
        "*",
        "config",
        "--format",
        "json",
    ]
    environ = {**os.environ, **OIDC, **OFFSITE, **HOST, "COMPOSE_FILE": FILES[files], "RUN_ISOLATION": isolation(files), **TAGS}
    model = json.loads(subprocess.run(command, cwd=ROOT, env=environ, text=True, capture_output=True, check=True).stdout)
    found: dict[str, dict[str, Any]] = model["services"]
    return found


# Without workers, a location's worker has no container.
EVERY = [(files, name) for files in FILES for name, service in services(files).items() if copies(service)]


@pytest.mark.parametrize(("files", "name"), EVERY)
class TestEveryService:
    """Each test checks one rule for each service."""

    def test_service_has_no_privileges(self, files: str, name: str) -> None:
        """An attacker who takes over a service must gain no capability, and must not change its root file system."""
        service = services(files)[name]
        assert service["cap_drop"] == ["ALL"]
        assert service.get("cap_add", []) == OTHER_CAPABILITIES.get((files, name), CAPABILITIES.get(name, []))
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"] is True
        # Images set the user of the others.
        assert (service.get("user") == "0:0") == (name in ROOT_SERVICES)
        assert not {"privileged", "devices", "pid", "ipc", "userns_mode", "uts", "sysctls", "cgroup_parent", "runtime"} & set(
            service
        )

    def test_service_has_resource_limits(self, files: str, name: str) -> None:
        """One service must not use up the memory, processors, processes or disk of the host."""
        service = services(files)[name]
        assert int(service["mem_limit"]) > 0
        assert service["cpus"] > 0
        assert service["pids_limit"] > 0
        assert service["init"] is True
        assert service["stop_grace_period"]
        assert service.get("ulimits") == LIMITS.get(name)
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}

    def test_service_has_health_check_and_restarts_unless_one_shot(self, files: str, name: str) -> None:
        """Docker must restart a failed service. A one-shot service ends, and Docker must not restart it."""
        service = services(files)[name]
        if name in ONE_SHOT:
            assert (service["restart"], "healthcheck" in service) == ("no", False)
        else:
            assert service["restart"] == "unless-stopped"
            # A copy to another place takes hours: only its own health check knows whether it hangs.
            kind, program, *_ = service["healthcheck"]["test"]
            assert (kind, program.endswith("restart_if_hung")) == ("CMD", name != "offsite")

    def test_service_joins_only_its_zones(self, files: str, name: str) -> None:
        """The networks of a service decide which other services it can reach."""
        service = services(files)[name]
        zones = OTHER_ZONES.get((files, name), ZONES[name])
        assert sorted(service.get("networks", {})) == zones.split()
        assert bool(zones) != (service.get("network_mode") == "none")

    def test_service_has_pinned_image_and_no_container_name(self, files: str, name: str) -> None:
        """An unpinned image could change between two starts. A container name would prevent a second copy on one host."""
        service = services(files)[name]
        tag = service["image"].rpartition(":")[2]
        if service["image"].startswith("text/"):
            assert tag in {"local", "official"}
        else:
            assert re.match(r"\d+\.\d+", tag)
        assert "container_name" not in service

    def test_service_publishes_no_port_except_webserver_and_gateways(self, files: str, name: str) -> None:
        """The webserver has no login, so only loopback may reach it. The edge has a login, and replaces that port.

        The gateway of worker hosts asks for a certificate.
        """
        ports = [(port["host_ip"], port["target"]) for port in services(files)[name].get("ports", [])]
        everybody = [("0.0.0.0", 80), ("0.0.0.0", 443)]  # noqa: S104 - the edge
        wanted = {"edge": everybody} if "edge" in services(files) else {"webserver": [("127.0.0.1", 3000)]}
        wanted |= {"prometheus": [("127.0.0.1", 9090)], "alertmanager": [("127.0.0.1", 9093)], "grafana": [("127.0.0.1", 3000)]}
        wanted["worker_gateway"] = [("0.0.0.0", 7443)]  # noqa: S104 - the hosts are elsewhere
        assert ports == wanted.get(name, [])

    def test_service_mounts_only_listed_host_paths(self, files: str, name: str) -> None:
        """The Docker socket gives control over the host, so only the gateway mounts it."""
        binds = {
            mount["source"]: mount.get("read_only", False)
            for mount in services(files)[name].get("volumes", [])
            if mount["type"] == "bind"
        }
        if files == "official":
            binds.pop(str(ROOT / "bench/official_settings/dagster.yaml"), None)
        assert binds == OTHER_BINDS.get((files, name), BINDS.get(name, {}))


@pytest.mark.parametrize("files", FILES)
def test_only_services_that_start_or_remove_containers_reach_the_gateway(files: str) -> None:
    """The gateway starts containers, so no other service may reach it. Workers alone need no gateway."""
    found = services(files)
    engine = {name for name, service in found.items() if "engine" in service.get("networks", {})}
    hosts = {name for name, service in found.items() if service.get("environment", {}).get("DOCKER_HOST")}
    if "no gateway" in files or files == "a worker host":
        assert (engine, hosts, "launch_gateway" in found) == (set(), set(), False)
    else:
        asking = {"webserver", "daemon", "maintenance"}
        assert (engine, hosts) == ({"launch_gateway", *asking}, asking)


def test_copies_read_volumes_only() -> None:
    """The service has every password. It must not be able to change what it copies."""
    mounts = services("offsite")["offsite"]["volumes"]
    assert {each["target"]: each.get("read_only", False) for each in mounts} == {
        "/data/0/backup_data": True,
        "/repository": False,
    }
    text = mounts_text(["compute_logs"])
    copied, restored = [line for line in text.splitlines() if "compute_logs" in line]
    assert "read_only: true" in copied
    assert "read_only" not in restored


def test_backup_keeps_the_settings_of_postgres() -> None:
    """Compose replaces a list as a whole, so that the overlay repeats it."""
    before, after = (services(files)["postgres"]["command"] for files in ("default", "backup"))
    assert after[: len(before)] == before
