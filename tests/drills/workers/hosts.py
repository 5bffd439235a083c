"""Worker hosts of the tests: each is a Compose project of its own, with networks of its own, made of the bundle that it gets."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagster_api.waiting import seen, wait_for
from operate.compose import free_port, run
from tests.drills.workers.load import Load
from tests.stack.conftest import Stack

# A machine that ssh reaches. It uses this engine, and has files of its own in the folder that HOME names.
SSH_HOST = """ARG BASE
FROM ${BASE}
RUN apt-get update -qq \\
    && apt-get install -y -qq --no-install-recommends openssh-server docker-cli docker-compose \\
    && install -d /run/sshd
CMD ["sh", "-c", "sed -i s#/root:#$HOME:# /etc/passwd && exec /usr/sbin/sshd -D -e"]
"""


@dataclass(frozen=True)
class Host:
    """A worker host."""

    stack: Stack
    name: str
    folder: Path

    @property
    def project(self) -> str:
        """Returns the name of its Compose project."""
        return f"{self.stack.project}_{self.name}"

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Runs `docker compose` in the host's folder, as an operator there."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        command = ["docker", "compose", "--progress", "quiet", *arguments]
        ended = subprocess.run(command, cwd=self.folder, env=environ, text=True, capture_output=True, check=False)
        assert ended.returncode == 0 or not check, f"{arguments}: {ended.stderr[-3000:]}\n{self.compose('logs', check=False)}"
        return ended.stdout

    def up(self) -> None:
        """Starts the host's workers as `make worker-host` says."""
        self.compose("up", "--detach", "--remove-orphans", "--wait", "--wait-timeout", "120")

    def down(self) -> None:
        """Removes all of the host."""
        self.compose("down", "--volumes", "--remove-orphans")

    def cut_off(self, *, on: bool) -> None:
        """Takes the host's way to the deployment, or gives it back."""
        container = self.compose("ps", "--all", "--quiet", "deployment").strip()
        run(["docker", "network", "disconnect" if on else "connect", f"{self.project}_outside", container], capture=True)

    def answer(self) -> str:
        """Returns the broker's first words to the host's workers: it wants a password. A host that is locked out gets none."""
        ask = "exec 3<>/dev/tcp/127.0.0.1/6379; printf 'PING\\r\\n' >&3; read -r -t 5 said <&3; printf %s \"$said\""
        return self.compose("exec", "-T", "deployment", "bash", "-c", ask, check=False).strip()


def new_host(stack: Stack, name: str, folder: Path) -> Host:
    """Sends a host what it needs. The images are on this engine already."""
    made = stack.make("worker-host", f"NAME={name}", f"TO={folder}/")
    assert made.returncode == 0, made.stderr
    (folder / "images.tar").unlink()
    return Host(stack, name, folder)


def hosts_of(runs: Load) -> dict[str, str]:
    """Returns the host of each attempt that has begun. The deployment's own worker has the name of its container."""
    ids = ", ".join(f"'{root}'" for root in runs.roots)
    return dict(row.split("|") for row in runs.stack.warehouse(f"SELECT DISTINCT run, host FROM ticks WHERE root IN ({ids})"))


def wait_for_runs_of(runs: Load, host: Host) -> None:
    """Waits until a host executes a run."""

    def executes() -> bool:
        found = set(hosts_of(runs).values())
        return seen(host.name in found, found)

    wait_for(f"a run on {host.name}", executes, seconds=60)


def unsent(host: Host) -> set[str]:
    """Returns the files of output on a host. Killed runs have left some."""
    find = ("find", "/var/lib/dagster/compute_logs", "-type", "f")
    return set(host.compose("exec", "-T", "user_code_worker", *find).split())


@contextmanager
def ssh_host(stack: Stack, home: Path) -> Iterator[str]:
    """Runs a machine with ssh, whose files are in `home`. Yields the options with which ssh reaches it."""
    name, port = f"{stack.project}_ssh", free_port()
    base = json.loads(stack.compose("config", "--format", "json"))["services"]["secrets"]["build"]["args"]["PYTHON_IMAGE"]
    build = ["docker", "build", "--quiet", "--network=host", f"--tag={name}", f"--build-arg=BASE={base}", "-"]
    subprocess.run(build, input=SSH_HOST, text=True, check=True, capture_output=True)
    key = home / "key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], capture=True)
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/authorized_keys").write_text(key.with_suffix(".pub").read_text())
    mounts = [f"--volume={home}:{home}", "--volume=/var/run/docker.sock:/var/run/docker.sock"]
    label = f"--label=com.docker.compose.project={stack.project}"
    run(
        [
            "docker",
            "run",
            "--detach",
            f"--name={name}",
            label,
            f"--env=HOME={home}",
            f"--publish=127.0.0.1:{port}:22",
            *mounts,
            name,
        ],
        capture=True,
    )
    options = f"-p {port} -i {key} -o UserKnownHostsFile={home}/known -o StrictHostKeyChecking=accept-new"
    try:
        wait_for("an answer of sshd", lambda: seen(answers(options), "no answer"), seconds=30)
        yield options
    finally:
        run(["docker", "rm", "--force", name], capture=True)
        run(["docker", "rmi", name], capture=True)


def answers(options: str) -> bool:
    """Returns whether ssh reaches the machine."""
    return subprocess.run(["ssh", *options.split(), "root@127.0.0.1", "true"], capture_output=True, check=False).returncode == 0
