"""RUN_ISOLATION=process: the copy has no launch gateway, and runs are processes in the code server's container."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.conftest import Stack
from tests.stack.runs import attempt_count, terminated, wait_until_begun

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def process_isolation(stack: Stack) -> Iterator[Stack]:
    """Yields the copy with process isolation. Restores the copy at the end."""
    before = dict(stack.environ)
    stack.schedules(running=False)
    stack.quiet()
    stack.environ["COMPOSE_FILE"] += ":docker/compose.process.yml"
    stack.environ["RUN_ISOLATION"] = "process"
    try:
        stack.up("--remove-orphans")
        yield stack
        stack.quiet()
    finally:
        stack.environ = before
        stack.up()


def test_terminated_run_is_canceled_and_not_retried(process_isolation: Stack) -> None:
    """The step has retries left. Terminate must also be final in a process of the code server."""
    run_id = process_isolation.client.launch("sleep_job")
    wait_until_begun(process_isolation, run_id)
    assert terminated(process_isolation, run_id).status == "CANCELED", process_isolation.client.story(run_id)
    assert attempt_count(process_isolation, run_id) == 1


def test_runs_succeed_if_no_service_has_the_docker_socket(process_isolation: Stack) -> None:
    """An operator may give the Docker socket to no container. Schedules and the database must work as before."""
    stack = process_isolation
    assert "launch_gateway" not in stack.compose("ps", "--all", "--services").split()
    mounts = stack.compose("config", "--format", "json")
    assert "docker.sock" not in mounts
    stack.schedules(running=True)
    lines = stack.make("smoke").stdout.splitlines()
    stack.schedules(running=False)
    assert [line.split(":")[0] for line in lines] == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS code location user_code",
        "PASS letters_job succeeds",
        "PASS quick_job succeeds",
    ]
    assert all("in a process of the code server, " in line for line in lines[-2:])
