"""The monitor sends one message for each stale asset, failed check and failed schedule to ALERT_URLS_FILE."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.inbox import Inbox
from tests.stack.conftest import NO_ADDRESS, Stack

pytestmark = pytest.mark.timeout(400)
STALE, SOUR = "the asset milk has been stale for ", "the check is_sweet of the asset milk failed"
FAILED = "the schedule milking_schedule of user_code failed: RuntimeError: no cow"


def gateway(stack: Stack) -> str:
    """Returns the address by which the monitor reaches this machine."""
    (network,) = json.loads(run(["docker", "network", "inspect", f"{stack.project}_public"], capture=True))
    return str(network["IPAM"]["Config"][0]["Gateway"])


@pytest.fixture
def inbox(still: Stack) -> Iterator[Inbox]:
    """Yields the channel that ALERT_URLS_FILE names."""
    inbox = Inbox(gateway(still))
    # The same file: Compose has mounted it.
    file = Path(still.environ["ALERT_URLS_FILE"])
    file.write_text(f"{inbox.url}\n")
    yield inbox
    file.write_text(NO_ADDRESS)
    inbox.close()


def told_of(inbox: Inbox) -> list[int]:
    """Returns how often each of the problems was told of."""
    text = "\n".join(each["message"] for each in inbox.messages)
    return [text.count(said) for said in (STALE, SOUR, FAILED)]


def looks_again(stack: Stack) -> None:
    """Waits until the monitor has looked twice more: the first look may have begun before."""
    for _ in range(2):
        since = time.time()

        def looked(since: float = since) -> bool:
            at = stack.exec("monitor", "stat", "--format=%Y", "/tmp/looked", check=False).strip()  # noqa: S108
            return seen(bool(at) and float(at) > since, at)

        wait_for("a look of the monitor", looked, seconds=90, every=1)


def test_each_problem_has_one_message(still: Stack, inbox: Inbox) -> None:
    """Nobody looks at the UI all day. A message a minute would be as good as none."""
    still.mark("fail", on=True)
    still.succeeds("milk_job")
    schedule(still.client, "milking_schedule").turn(on=True)
    # The freshness daemon looks every 30 s, and so does the monitor.
    wait_for("three messages", lambda: seen(all(told_of(inbox)), told_of(inbox)), seconds=240, every=1)
    still.compose("restart", "monitor")
    looks_again(still)
    assert told_of(inbox) == [1, 1, 1]
    assert "monitor" not in still.compose("ps", "--format", "{{.Service}} {{.Health}}", "--filter", "status=unhealthy")
    still.mark("fail", on=False)
    still.succeeds("milk_job")
    looks_again(still)
    still.mark("fail", on=True)
    still.succeeds("milk_job")
    wait_for("a message about the second episode", lambda: seen(told_of(inbox)[1] == 2, told_of(inbox)), seconds=240, every=1)


def test_message_that_cannot_be_sent_makes_the_monitor_unhealthy(still: Stack, inbox: Inbox) -> None:
    """An alert that reaches nobody must show somewhere."""
    inbox.status = 503
    still.mark("fail", on=True)
    still.succeeds("milk_job")
    probe = ("monitor", "cat", "/tmp/failed")  # noqa: S108
    said = "no address of ALERT_URLS_FILE has taken the message"
    wait_for("the reason", lambda: seen(said in still.exec(*probe, check=False), "no reason"), seconds=240, every=1)
    inbox.status = 200
    wait_for("the message", lambda: seen(bool(inbox.titles), "no message"), seconds=240, every=1)
