"""`make doctor` says on one screen how the deployment is, with a remedy for each thing that is not well. It changes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dagster_api import condition
from dagster_api.client import ApiError, Client
from dagster_api.workspace import load_errors
from operate import findings
from operate.backup import FOLDER
from operate.compose import ROOT, CommandError, model, run, webserver_url
from operate.containers import containers
from operate.findings import Finding
from operate.health import faults
from operate.preflight import version_problems, versions

# A webserver that hangs must not make a person wait.
SECONDS = 3
Look = Callable[[], Iterable[Finding]]
# A file that is being written has another ending.
WHOLE = (".tar", ".tar.age")
# Of the service `backup`: docker/backup/src/database_backup/status.py.
STATUS = ("exec", "--no-TTY", "backup", "cat", "/var/lib/backup/status.json")


def engine() -> list[Finding]:
    """Engine and Compose."""
    found = versions()
    names = [".".join(map(str, each)) for each in found]
    problems = version_problems(*found)
    return [Finding("engine", not problems, f"Docker {names[0]}, Compose {names[1]}", " ".join(problems))]


def disk() -> tuple[int, int] | None:
    """The free and the total bytes of the disk with Docker's data; None if that is not on this machine."""
    root = Path(run(["docker", "info", "--format", "{{.DockerRootDir}}"], capture=True).strip())
    if not root.exists():
        return None
    usage = shutil.disk_usage(root)
    return usage.free, usage.total


def room() -> list[Finding]:
    """Disk and memory of this machine."""
    used, meminfo = disk(), Path("/proc/meminfo")
    found = []
    if used:
        remedy = "docker system prune, or a larger disk"
        found.append(findings.space("disk", *used, findings.LOW_DISK, remedy))
    if meminfo.exists():
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in meminfo.read_text().splitlines()}
        free, total = kilobytes["MemAvailable"] * 1024, kilobytes["MemTotal"] * 1024
        found.append(
            findings.space("memory", free, total, findings.LOW_MEMORY, "stop other programs, or lower the limits in .env")
        )
    return found


def running(project: str) -> int:
    """The number of containers that run."""
    return sum(each["State"]["Status"] == "running" for each in containers(project))


def backups(services: Mapping[str, Any], now: float) -> list[Finding]:
    """Files of `make backup`, or what the service `backup` says."""
    if "backup" in services:
        shown = subprocess.run(["docker", "compose", *STATUS], cwd=ROOT, text=True, capture_output=True, check=False)
        return list(findings.point_in_time(json.loads(shown.stdout) if shown.returncode == 0 else {}, now))
    made = [path.stat().st_mtime for path in FOLDER.iterdir() if path.name.endswith(WHOLE)] if FOLDER.exists() else []
    return [findings.backup(max(made, default=None), now)]


def history(client: Client, now: float) -> list[Finding]:
    """Maintenance and growth."""
    past, used = condition.maintenances(client), disk()
    return [findings.maintenance(past, now), *([findings.growth(past, used[0])] if used else [])]


def looks(deployment: Mapping[str, Any], url: str, now: float) -> dict[str, Look]:
    """What is looked at. The names stand for those that cannot be seen."""
    client, services = Client(url, "", patience=SECONDS), deployment["services"]
    return {
        "engine": engine,
        "disk": room,
        "services": lambda: findings.services(faults(deployment), running(deployment["name"])),
        "daemons": lambda: findings.daemons(condition.daemons(client), now),
        "code locations": lambda: findings.locations(load_errors(url)),
        "runs": lambda: findings.runs(condition.under_way(client), now),
        "assets": lambda: findings.assets(condition.assets(client)),
        "backup": lambda: backups(services, now),
        "maintenance": lambda: history(client, now),
    }


def seen(name: str, look: Look) -> list[Finding]:
    """What a look finds, or why it sees nothing."""
    try:
        return list(look())
    except (ApiError, CommandError, OSError, ValueError, LookupError, TypeError) as error:
        # Another program may answer at the port, with something else.
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        return [Finding(name, False, f"cannot be seen: {said}", "make up")]


def examine(deployment: Mapping[str, Any], url: str) -> list[Finding]:
    """Looks at everything at once: it takes as long as the slowest look."""
    chosen = looks(deployment, url, time.time())
    with ThreadPoolExecutor(len(chosen)) as pool:
        return [finding for found in pool.map(seen, chosen.keys(), chosen.values()) for finding in found]


def text(found: Sequence[Finding]) -> str:
    """The findings as a table; a remedy follows the line that needs it."""
    width = max(len(each.name) for each in found)
    lines = []
    for each in found:
        lines.append(f"{'ok' if each.is_well else '!!':2} {each.name:{width}}  {each.said}")
        if not each.is_well and each.remedy:
            lines.append(f"   {'':{width}}  -> {each.remedy}")
    return "\n".join(lines)


def where() -> str:
    """The webserver's URL, or one that answers nothing if the webserver does not run: the other looks go on."""
    try:
        return webserver_url()
    except CommandError:
        return "http://127.0.0.1:9"


def main(words: list[str]) -> int:
    """Prints the findings, with `--json` for a program. Returns 0 if all is well.

    Raises:
        CommandError: the engine does not answer, or Compose refuses the settings.
    """
    found = examine(model(), where())
    print(json.dumps([asdict(each) for each in found], indent=2) if "--json" in words else text(found))
    return not all(each.is_well for each in found)
