"""RUN_ISOLATION=process: the same copy without a launch gateway, and runs inside the code server's container."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def without_socket(still: Stack) -> Iterator[Stack]:
    """The copy in the other mode; afterwards it is as it was."""
    before = dict(still.environ)
    still.environ["COMPOSE_FILE"] = "docker-compose.yml:docker/compose.process.yml"
    try:
        still.compose("up", "--detach", "--wait", "--remove-orphans")
        yield still
        still.quiet()
    finally:
        still.environ = before
        still.up()


def test_runs_of_both_styles_succeed_without_anybody_holding_the_socket(without_socket: Stack) -> None:
    """Scheduled by the same daemon, with the same rights in the database."""
    stack = without_socket
    assert "launch_gateway" not in stack.compose("ps", "--all", "--services").split()
    mounts = stack.compose("config", "--format", "json")
    assert "docker.sock" not in mounts
    for job in ("users_assets_job", "data_extraction_job"):
        ended = stack.succeeds(job)
        assert "docker/container_id" not in ended.tags
        assert ended.run_id in "".join(stack.client.output(ended.run_id))
