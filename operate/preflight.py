"""`make preflight` checks whether this machine can run the deployment, and changes nothing. It prints one line a problem."""

from __future__ import annotations

import errno
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operate.compose import CommandError, compose, model, run, services
from operate.networks import count, shortage

GIB = 1024**3
# Engine 25.0 introduced `start_interval` of health checks. The oldest Compose that a test parses these files with is 2.26.1.
OLDEST_ENGINE = (25, 0)
OLDEST_COMPOSE = (2, 26)
# Older engines let neighbours on the same network segment reach ports published on loopback:
# https://github.com/moby/moby/issues/41872, https://github.com/moby/moby/issues/45610.
LOOPBACK_IS_LOOPBACK = (28, 0)
# Measured memory: 1.0 GiB for idle services, 0.25 GiB a run. Measured disk: 3.3 GiB of images, 1 GiB for their build.
FREE_MEMORY_BYTES = 2 * GIB
FREE_DISK_BYTES = 5 * GIB
PORT_SETTINGS = "WEBSERVER_PORT, or of the edge EDGE_HTTP_PORT and EDGE_HTTPS_PORT"


@dataclass(frozen=True)
class Facts:
    """Facts about this host. Sizes are bytes. None means unknown, as for a remote engine or an absent image."""

    free_memory: int | None
    free_disk: int | None
    busy_port: str | None
    data_major: int | None
    image_major: int | None
    needed_networks: int
    free_networks: int


def versions() -> tuple[tuple[int, int], tuple[int, int]]:
    """Major and minor of the engine and of Compose."""
    engine = run(["docker", "version", "--format", "{{.Server.Version}}"], capture=True)
    return version(engine), version(compose("version", "--short", capture=True))


def version_problems(engine: tuple[int, int], compose_version: tuple[int, int]) -> list[str]:
    """Problems with old versions. They are checked first: an old Compose cannot parse the deployment's files."""
    checks = (
        _too_old("Docker Engine", engine, OLDEST_ENGINE),
        _too_old("Docker Compose", compose_version, OLDEST_COMPOSE),
    )
    return [problem for problem in checks if problem]


def note(engine: tuple[int, int]) -> str | None:
    """A note about an old engine that works."""
    if engine >= LOOPBACK_IS_LOOPBACK:
        return None
    known = "lets neighbours on the same network segment reach what is published on loopback"
    return f"Docker Engine {'.'.join(map(str, engine))} {known}: where that matters, take 28.0 or newer."


def problems(facts: Facts) -> list[str]:
    """One sentence for each problem, with numbers and remedy."""
    checks = (
        _too_little("memory", facts.free_memory, FREE_MEMORY_BYTES, "stop other programs, or give Docker more memory"),
        _too_little("disk for Docker", facts.free_disk, FREE_DISK_BYTES, "free some with `docker system prune`"),
        facts.busy_port and f"Port {facts.busy_port} is in use: stop what uses it, or set another in .env: {PORT_SETTINGS}.",
        shortage(facts.needed_networks, facts.free_networks),
        _other_major(facts),
    )
    return [problem for problem in checks if problem]


def _too_old(what: str, found: tuple[int, int], oldest: tuple[int, int]) -> str | None:
    if found >= oldest:
        return None
    numbers = [".".join(map(str, version)) for version in (found, oldest)]
    return f"{what} is {numbers[0]}, and {numbers[1]} or newer is needed: update it."


def _too_little(what: str, found: int | None, needed: int, remedy: str) -> str | None:
    if found is None or found >= needed:
        return None
    return f"{found / GIB:.1f} GiB of {what} are free, and {needed / GIB:.0f} GiB are needed: {remedy}."


def _other_major(facts: Facts) -> str | None:
    if None in (facts.data_major, facts.image_major) or facts.data_major == facts.image_major:
        return None
    return (
        f"The volume postgres_data was written by Postgres {facts.data_major}, and the image is Postgres {facts.image_major}: "
        "`make upgrade` moves the data. Or set POSTGRES_IMAGE in .env to the old major."
    )


def version(text: str) -> tuple[int, int]:
    """Major and minor of a version such as `v2.40.3-3` or `28.5.2+dfsg4`.

    Raises:
        CommandError: there is no version in `text`.
    """
    found = re.search(r"(\d+)\.(\d+)", text)
    if not found:
        raise CommandError(f"there is no version in {text!r}")
    return int(found[1]), int(found[2])


def port_is_busy(host: str, port: int) -> bool:
    """Whether a process already listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            # Only root may bind low ports, but Docker can publish them.
            return error.errno == errno.EADDRINUSE
    return False


def collect(deployment: dict[str, Any], *, moving: bool = False) -> Facts:
    """Checks the engine and this host. It skips memory and ports that the running deployment itself uses."""
    running = {name for name, container in services().items() if container["State"] == "running"}
    data_major, image_major = (None, None) if moving else _postgres_majors(deployment)
    disk = free_disk()
    needed_networks, free_networks = count(deployment, here=disk is not None)
    return Facts(
        free_memory=None if "webserver" in running else _free_memory(),
        free_disk=disk,
        busy_port=_busy_port(deployment, running),
        data_major=data_major,
        image_major=image_major,
        needed_networks=needed_networks,
        free_networks=free_networks,
    )


def _busy_port(deployment: dict[str, Any], running: set[str]) -> str | None:
    ports = [port for name, service in deployment["services"].items() if name not in running for port in service.get("ports", [])]
    for port in ports:
        host, number = port.get("host_ip", "0.0.0.0"), int(port["published"])  # noqa: S104 - Compose's default
        if port_is_busy(host, number):
            return f"{host}:{number}"
    return None


def _free_memory() -> int | None:
    meminfo = Path("/proc/meminfo")
    found = meminfo.exists() and re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
    return int(found[1]) * 1024 if found else None


def free_disk() -> int | None:
    """Free bytes where Docker keeps its data; None if that is not on this machine."""
    root = Path(run(["docker", "info", "--format", "{{.DockerRootDir}}"], capture=True).strip())
    return shutil.disk_usage(root).free if root.exists() else None


def _postgres_majors(deployment: dict[str, Any]) -> tuple[int | None, int | None]:
    volume = deployment["volumes"]["postgres_data"]["name"]
    image = deployment["services"]["postgres"]["image"]
    for kind, name in (("volume", volume), ("image", image)):
        if subprocess.run(["docker", kind, "inspect", name], capture_output=True, check=False).returncode:
            return None, None
    command = ["docker", "run", "--rm", "--network=none", f"--volume={volume}:/data:ro", "--entrypoint=sh", image, "-c"]
    answer = run([*command, "cat /data/pgdata/PG_VERSION 2>/dev/null; echo -; postgres --version"], capture=True)
    written, _, programme = answer.partition("-")
    return int(written) if written.strip() else None, version(programme)[0]


def check_deployment(*, moving: bool = False) -> bool:
    """Prints problems and notes; returns whether there are no problems. Data of another Postgres is none while it moves.

    Raises:
        CommandError: the engine or Compose does not answer, or rejects the settings.
    """
    engine, compose_version = versions()
    found = version_problems(engine, compose_version) or problems(collect(model(), moving=moving))
    for line in filter(None, (*found, note(engine))):
        print(f"preflight: {line}", file=sys.stderr)
    return not found


def main(_: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the engine or Compose does not answer, or rejects the settings.
    """
    passed = check_deployment()
    if passed:
        print("preflight: engine, Compose, memory, disk, port, networks and data are fine")
    return not passed
