"""`make worker-host` sets up another host that executes runs, or brings it up to date; `REMOVE=1` locks it out.

Over ssh it sends everything and starts the workers. To a folder it writes the same files, for a host without ssh.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from operate import worker_bundle
from operate.alone import alone
from operate.compose import CommandError, compose, model
from operate.env_file import env_file, settings
from operate.locations import Location, locations
from operate.worker_targets import Folder, Ssh, Target

# It is a host name and a part of a Compose project's name.
NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
ADDRESS = "WORKER_GATEWAY_ADDRESS"
# dagster_deployment.presence: the deployment's own host.
HERE = "here"
NEEDED = "this deployment lets no worker host in: make up RUN_ISOLATION=worker WORKER_GATEWAY=1"


def target(to: str, project: str) -> Target:
    """Where TO leads: USER@HOST of ssh, or a folder if it holds a slash."""
    return Folder(to) if "/" in to else Ssh(to, f"dagster-workers/{project}")


def check_name(name: str) -> None:
    """Raises `CommandError` if no host may have this name."""
    if not NAME.fullmatch(name) or name == HERE:
        raise CommandError(f"the name '{name}' is not allowed: small letters, digits and -, a letter first, 30 at most")


def check(services: Mapping[str, Any], hosted: Sequence[Location], address: str | None) -> None:
    """Raises `CommandError` if the deployment is not ready for hosts."""
    if not address:
        raise CommandError(f"set {ADDRESS} in .env to the name or address by which worker hosts reach this machine")
    if services["daemon"]["environment"].get("OUTPUT_STORE") != "postgres":
        raise CommandError("set OUTPUT_STORE=postgres in .env, then make up: hosts share no volume with this one")
    if old := [each.name for each in hosted if each.worker not in services]:
        raise CommandError(f"{old[0]} has no service {old[0]}_worker: copy it from operate/location.template")


def add(deployment: Mapping[str, Any], name: str, to: str) -> None:
    """Sends a host what it needs."""
    address = os.environ.get(ADDRESS) or settings(env_file()).get(ADDRESS)
    hosted = locations(deployment)
    check(deployment["services"], hosted, address)
    where = target(to, deployment["name"])
    workers = worker_bundle.workers(deployment, hosted)
    decided = worker_bundle.settings(deployment, name, str(address))
    env = worker_bundle.env_text(where.env(), decided, where.processors())
    secrets = worker_bundle.secrets(name, hosted)
    where.unpack(worker_bundle.packed(worker_bundle.files(workers, secrets, env)))
    print(f"worker-host: {name}: {where.finish(worker_bundle.images(deployment, hosted))}")


def remove(name: str) -> None:
    """Locks a host out. The gateway starts anew, which breaks the connections of other hosts: their steps may fail."""
    certificates("remove", name)
    compose("restart", "worker_gateway")
    print(f"worker-host: {name} is locked out. If somebody else has its files, change passwords: docs/scaling.md")


def certificates(*command: str) -> str:
    """The output of the script that keeps the certificates of worker hosts."""
    return worker_bundle.one_off("worker_certificates", "/etc/worker_gateway/certificates.sh", *command).decode()


def say_who_is_behind(deployment: Mapping[str, Any]) -> None:
    """Names the worker hosts, which have the old code still: a run is executed where its code is."""
    if "worker_gateway" not in deployment["services"]:
        return
    if names := certificates("names").split():
        print(f"new runs wait for workers here until worker hosts have the new code: make worker-host, for {', '.join(names)}")


def main(words: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: a word is not allowed, the deployment has no gateway for hosts, or the host refuses something.
    """
    parser = argparse.ArgumentParser("worker-host", description=__doc__)
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("to", nargs="?", default="")
    parser.add_argument("--remove", action="store_true")
    options = parser.parse_args(words)
    if not options.remove and not options.to:
        raise CommandError("NAME is the host's name, TO is USER@HOST of ssh or a folder: make worker-host NAME=h2 TO=ops@h2")
    with alone():
        deployment = model()
        if "worker_gateway" not in deployment["services"]:
            raise CommandError(NEEDED)
        check_name(options.name)
        if options.remove:
            remove(options.name)
        else:
            add(deployment, options.name, options.to)
    return 0
