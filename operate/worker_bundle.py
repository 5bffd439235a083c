"""The files that a worker host needs: Compose files, secrets, settings. `make worker-host` sends them."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from operate.compose import QUIET, ROOT, CommandError
from operate.locations import Location
from operate.worker_size import sizes

# Parts of a worker's service that mean something on the host of the deployment only.
LOCAL = ("build", "depends_on", "env_file", "networks", "pull_policy", "scale", "secrets")
NETWORKS = {"runs", "runs_egress", "work"}
# No code location may have this name: the host's own certificate is there.
CERTIFICATE = "host-certificate"
SECRETS = "/run/secrets"
# Sizes of workers, which each host's own .env may set. The deployment's are the default.
SIZES = {"mem_limit": "WORKER_MEMORY", "cpus": "WORKER_CPUS", "pids_limit": "WORKER_PIDS"}
CONCURRENCY = "WORKER_CONCURRENCY"


def output(command: Sequence[str]) -> bytes:
    """The standard output of a command, which may be no text.

    Raises:
        CommandError: its exit status is not 0.
    """
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if ended.returncode:
        raise CommandError(f"{' '.join(command[:4])} failed: {ended.stderr.decode(errors='replace').strip()[-2000:]}")
    return ended.stdout


def one_off(service: str, *command: str) -> bytes:
    """The output of a one-shot service of this deployment."""
    return output(["docker", "compose", *QUIET, "run", "--rm", "--no-deps", "-T", service, *command])


def secrets_volume(location: str) -> str:
    """The volume with the passwords of a code location, on a worker host."""
    return f"secrets_{location}"


def workers(deployment: Mapping[str, Any], locations: Iterable[Location]) -> dict[str, Any]:
    """The Compose model of a host's workers, one for each code location.

    Raises:
        CommandError: a worker mounts a folder of this host.
    """
    services = {each.worker: worker(deployment["services"][each.worker], each.name) for each in locations}
    names = sorted({mount["source"] for service in services.values() for mount in service["volumes"]})
    unpacked = [f"{secrets_volume(each.name)}:/secrets/{each.name}" for each in locations]
    volumes = {name: volume(deployment["volumes"].get(name, {})) for name in names}
    return {"services": {"secrets": {"volumes": unpacked}, **services}, "volumes": volumes}


def volume(here: Mapping[str, Any]) -> dict[str, Any]:
    """A volume on another host. One of a network's file system is the same there."""
    return {name: value for name, value in here.items() if name != "name"}


def worker(service: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A worker's service on another host: the same, with the networks and the sizes of that host.

    Raises:
        CommandError: it needs something of this host.
    """
    if others := sorted(set(service["networks"]) - NETWORKS):
        raise CommandError(f"the worker of {location} is in the network {others[0]}, which other hosts do not have")
    kept = {name: value for name, value in service.items() if name not in LOCAL}
    own_sizes = {name: f"${{{variable}:-{kept[name]}}}" for name, variable in SIZES.items() if name in kept}
    environment = {**kept["environment"], "WORKER_HOST": "${WORKER_HOST}"}
    return {
        **kept,
        **own_sizes,
        "environment": environment | {CONCURRENCY: f"${{{CONCURRENCY}:-{environment[CONCURRENCY]}}}"},
        "hostname": "${WORKER_HOST}",
        "pull_policy": "never",
        "networks": ["runs", *(["outside"] if "runs_egress" in service["networks"] else [])],
        "volumes": [mounted(mount, location) for mount in service["volumes"]],
        "depends_on": {"deployment": {"condition": "service_healthy"}},
    }


def mounted(mount: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A volume of a worker on another host: that host's own, empty at first.

    Raises:
        CommandError: it is a folder of this host.
    """
    if mount["type"] != "volume":
        raise CommandError(f"the worker of {location} mounts {mount['source']}, which another host does not have: use a volume")
    return {**mount, "source": secrets_volume(location)} if mount["target"] == SECRETS else dict(mount)


def secrets(host: str, locations: Iterable[Location]) -> bytes:
    """A tar file with the host's certificate, and the secrets of each code location."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as target:
        _add(target, CERTIFICATE, one_off("worker_certificates", "/etc/worker_gateway/certificates.sh", "add", host))
        for each in locations:
            _add(target, each.name, one_off(f"{each.name}_secrets", "tar", "-C", "/secrets/location", "-c", "."))
    return made.getvalue()


def _add(target: tarfile.TarFile, folder: str, files: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(files)) as source:
        for member in source:
            content = source.extractfile(member)
            target.addfile(member.replace(name=f"{folder}/{member.name.removeprefix('./')}", deep=False), content)


def images(deployment: Mapping[str, Any], locations: Iterable[Location]) -> list[str]:
    """The images that the host needs."""
    services = deployment["services"]
    return [services["worker_gateway"]["image"], *(services[each.worker]["image"] for each in locations)]


def settings(deployment: Mapping[str, Any], host: str, address: str) -> dict[str, str]:
    """The settings of the host that the deployment decides."""
    gateway = deployment["services"]["worker_gateway"]
    return {
        "COMPOSE_PROJECT_NAME": f"{deployment['name']}_{host}",
        "COMPOSE_FILE": "compose.yml:workers.yml",
        "WORKER_HOST": host,
        "WORKER_GATEWAY_ADDRESS": address,
        "WORKER_GATEWAY_PORT": str(gateway["ports"][0]["published"]),
        "WORKER_GATEWAY_IMAGE": gateway["image"],
    }


def env_text(kept: str, decided: Mapping[str, str], processors: int | None = None) -> str:
    """The host's .env: what the deployment decides, and the lines that somebody has added there.

    The first one has sizes by the number of the host's processors, if that is known.
    """
    first = sizes(processors) if processors and not kept else {}
    own = [line for line in kept.splitlines() if line.partition("=")[0] not in decided]
    return "\n".join([*(f"{name}={value}" for name, value in {**decided, **first}.items()), *own, ""])


def labelled(model: Mapping[str, Any], secret: bytes) -> dict[str, Any]:
    """The model, in which other secrets are another label: Compose replaces containers only if their settings change."""
    label = {"dagster/secrets": hashlib.sha256(secret).hexdigest()[:16]}
    services = {name: service | {"labels": label} for name, service in model["services"].items()}
    return {**model, "services": {"deployment": {"labels": label}, **services}}


def files(model: Mapping[str, Any], secret: bytes, env: str) -> Iterator[tuple[str, bytes]]:
    """The bundle: each file's name and content."""
    yield "compose.yml", (ROOT / "docker/compose.worker-host.yml").read_bytes()
    yield "common.yml", (ROOT / "docker/common.yml").read_bytes()
    yield "workers.yml", json.dumps(labelled(model, secret), indent=2).encode()
    yield "secrets.tar", secret
    yield ".env", env.encode()


def packed(content: Iterable[tuple[str, bytes]]) -> bytes:
    """A tar file that only its owner can read when it is unpacked: it holds passwords."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as target:
        for name, data in content:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o600
            target.addfile(member, io.BytesIO(data))
    return made.getvalue()
