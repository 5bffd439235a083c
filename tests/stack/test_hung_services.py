"""docker/bin/restart_if_hung restarts a service that hangs, and only such a one. Its health check is called here by hand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.stack.conftest import PROJECT, Stack

LIMITS = ("--init", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--network=none")
WELL, HUNG, ELSEWHERE = "exit 0", "echo no answer; exit 1", "echo the database is away; exit 75"
# Docker kills a probe that takes too long, with SIGKILL.
TOO_LONG = "kill -KILL $PPID"


@pytest.fixture
def container(stack: Stack) -> Iterator[str]:
    """Yields a container of one of the deployment's images, with a process that does nothing."""
    command = ["docker", "run", "--detach", "--restart=unless-stopped", *LIMITS, "--entrypoint=sleep"]
    container = run([*command, f"{PROJECT}/dagster:local", "1000"], capture=True).strip()
    yield container
    run(["docker", "rm", "--force", container], capture=True)


def check(container: str, *probes: str) -> list[bool]:
    """Runs the health check with each probe; returns whether it called the service healthy."""
    command = ["docker", "exec", container, "restart_if_hung", "sh", "-c"]
    return [subprocess.run([*command, probe], capture_output=True, check=False).returncode == 0 for probe in probes]


def runs(container: str) -> bool:
    """Returns whether a command can be executed in the container."""
    return subprocess.run(["docker", "exec", container, "true"], capture_output=True, check=False).returncode == 0


def restarts(container: str) -> int:
    """Returns how often Docker has restarted the container."""
    (described,) = json.loads(run(["docker", "inspect", container], capture=True))
    return int(described["RestartCount"])


@pytest.mark.parametrize(
    ("probes", "reason"),
    [((HUNG, HUNG, HUNG), "no answer"), ((TOO_LONG, TOO_LONG, TOO_LONG), "the last one did not end in time")],
)
def test_service_that_was_healthy_and_fails_three_probes_is_restarted(
    container: str, probes: tuple[str, ...], reason: str
) -> None:
    """Nobody may be awake. The log names the reason. The new process is as new: its first failures do not count."""
    assert check(container, WELL, *probes) == [True, False, False, False]
    assert restarts(container) == 0
    check(container, WELL)
    wait_for("a restart", lambda: seen(restarts(container) == 1, restarts(container)), seconds=30)
    logs = subprocess.run(["docker", "logs", container], text=True, capture_output=True, check=True).stderr
    assert logs == f"restart: 3 probes in a row have failed: {reason}\n"
    wait_for("the new process", lambda: seen(runs(container), "it does not run"), seconds=30)
    assert check(container, HUNG, HUNG, HUNG, HUNG) == [False] * 4
    assert restarts(container) == 1


@pytest.mark.parametrize(
    "probes",
    [
        # It still starts: an import or a recovery may take minutes.
        (HUNG,) * 6,
        # Its last failures are not in a row.
        (WELL, HUNG, HUNG, WELL, HUNG, HUNG, WELL, HUNG),
        # Another service is away, which a restart of this one would not mend.
        (WELL, *(ELSEWHERE,) * 6),
        (WELL, HUNG, HUNG, ELSEWHERE, HUNG, HUNG, ELSEWHERE, HUNG),
    ],
)
def test_other_services_are_not_restarted(container: str, probes: tuple[str, ...]) -> None:
    """A needless restart of the code server or of Postgres costs work."""
    assert check(container, *probes) == [probe == WELL for probe in probes]
    assert check(container, WELL) == [True]
    assert restarts(container) == 0
