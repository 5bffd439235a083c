"""RUN_ISOLATION=process: the same copy without a launch gateway, and runs inside the code server's container."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.conftest import Stack
from tests.stack.runs import attempts, begun, canceled

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def without_socket(still: Stack) -> Iterator[Stack]:
    """The copy in the other mode; afterwards it is as it was."""
    before = dict(still.environ)
    still.environ["COMPOSE_FILE"] += ":docker/compose.process.yml"
    try:
        still.up("--remove-orphans")
        yield still
        still.quiet()
    finally:
        still.environ = before
        still.up()


def test_a_run_that_is_terminated_is_canceled_and_not_tried_again(without_socket: Stack) -> None:
    """Its step has attempts left: Terminate is final in a process of the code server too."""
    run_id = without_socket.client.launch("sleep_job")
    begun(without_socket, run_id)
    assert canceled(without_socket, run_id).status == "CANCELED", without_socket.client.story(run_id)
    assert attempts(without_socket, run_id) == 1


def test_runs_succeed_without_anybody_holding_the_socket(without_socket: Stack) -> None:
    """Scheduled by the same daemon, with the same rights in the database."""
    stack = without_socket
    assert "launch_gateway" not in stack.compose("ps", "--all", "--services").split()
    mounts = stack.compose("config", "--format", "json")
    assert "docker.sock" not in mounts
    stack.schedules(running=True)
    lines = stack.make("smoke").stdout.splitlines()
    stack.schedules(running=False)
    assert [line.split(":")[0] for line in lines] == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS schedules and sensors",
        "PASS letters_job succeeds",
        "PASS quick_job succeeds",
    ]
    assert all("in a process of the code server, " in line for line in lines[-2:])
