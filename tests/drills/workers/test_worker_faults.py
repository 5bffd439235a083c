"""Services of a deployment with workers crash, freeze and stop while runs are queued. Every run ends well, and only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from dagster_api.runs import Run
from dagster_api.schedules_and_sensors import schedule
from dagster_api.waiting import seen, wait_for
from tests.drills.workers.conftest import SLOTS
from tests.drills.workers.load import THOROUGH, Load, container, crash, freeze, kill_processes, load, thaw, wait_until_well
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(900)
# A lost run waits for its lease and for a look of the monitor.
SECONDS = 400
# The runs of one worker, of which at least one is lost.
SOME = range(1, SLOTS + 1)
SERVICES = ("broker", "daemon", "user_code", "webserver")
# Those that take long, of services that no run needs, are left to `make test-drills RUNS=100`.
FAULTS = list(product(SERVICES, (crash, freeze))) if THOROUGH else [("broker", crash), ("daemon", crash)]


@pytest.fixture
def busy(still: Stack) -> Iterator[Load]:
    """Yields runs under way and in the queue, while a schedule ticks."""
    schedule(still.client, "quick_schedule").turn(on=True)
    runs = load(still)
    runs.wait_until_under_way()
    yield runs
    wait_until_well(still)
    schedule(still.client, "quick_schedule").turn(on=False)


def reasons(stack: Stack, runs: list[Run]) -> set[str]:
    """Returns the last message of each failed run."""
    return {
        event["message"] for each in runs for event in stack.client.events(each.run_id) if event["eventType"] == "RUN_FAILURE"
    }


def check(busy: Load, *, said: tuple[str, ...], lost: range) -> list[Run]:
    """Waits until all runs have succeeded. Each failed attempt names one of the reasons, and no two were at the same time."""
    attempts = busy.wait(SECONDS)
    failed = [each for runs in attempts.values() for each in runs if each.status == "FAILURE"]
    assert len(failed) in lost, reasons(busy.stack, failed)
    for reason in reasons(busy.stack, failed):
        assert any(part in reason for part in said), reason
    assert all(len(runs) <= 2 for runs in attempts.values()), "a run was retried more than once"
    assert busy.doubles() == []
    return failed


def test_killed_process_of_a_run_fails_the_run_at_once_and_the_run_is_retried(busy: Load) -> None:
    """The kernel kills the process of a run when memory is short."""
    kill_processes(busy.stack, "runs")
    check(busy, said=("ended: it was killed from outside (SIGKILL).",), lost=SOME)


def test_killed_slot_of_the_worker_is_noticed_and_its_run_is_retried(busy: Load) -> None:
    """A slot watches its run. Without it nobody would, so the process of the run must end too."""
    kill_processes(busy.stack, "slots")
    failed = check(busy, said=("The run's worker is lost",), lost=SOME)
    for each in failed:
        assert (each.ended or 0) - (each.started or 0) < 120, "a lost run was noticed late"


def test_crashed_worker_loses_no_run(busy: Load) -> None:
    """Docker restarts the worker. Runs in the queue wait for it."""
    crash(busy.stack, "user_code_worker")
    # A worker may have taken a message, and not yet the lease of its run.
    failed = check(busy, said=("The run's worker is lost", "the broker has lost its message"), lost=SOME)
    for each in failed:
        assert (each.ended or 0) - (each.started or each.created) < 120, "a lost run was noticed late"


def test_worker_that_was_frozen_does_not_go_on_with_runs_that_were_retried(busy: Load) -> None:
    """A host that sleeps, or is cut off, comes back later and believes that its runs are its own."""
    stack = busy.stack
    freeze(stack, "user_code_worker")

    def noticed() -> bool:
        statuses = [runs[-1].status for runs in busy.attempts().values()]
        return seen("FAILURE" in statuses, statuses)

    try:
        wait_for("a lost run", noticed, seconds=60)
    finally:
        thaw(stack, "user_code_worker")
    # A run whose message had not reached the worker finds none. Back again, the worker itself reports the runs that it ends.
    said = ("The run's worker is lost", "there is none any more for its image", "the worker was silent for too long")
    check(busy, said=said, lost=SOME)


def test_stopped_worker_lets_its_runs_end(busy: Load) -> None:
    """An operator restarts a worker. No run is interrupted that ends within the grace period."""
    stack = busy.stack
    stack.compose("stop", "user_code_worker")
    stack.compose("start", "user_code_worker")
    check(busy, said=(), lost=range(1))


@pytest.mark.parametrize(("service", "fault"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_fault_of_a_service_costs_no_run(busy: Load, service: str, fault: Callable[[Stack, str], None]) -> None:
    """Runs that are executed go on without these services, and the others wait."""
    stack = busy.stack
    before = container(stack, service)
    fault(stack, service)
    if fault is freeze:
        busy.wait_until_none_is_executed()
        thaw(stack, service)
    wait_until_well(stack)
    assert container(stack, service) == before
    check(busy, said=(), lost=range(1))


def test_broker_that_loses_its_data_costs_no_run(busy: Load) -> None:
    """Its disk may be full or broken. Leases and queues are gone then."""
    stack = busy.stack
    stack.compose("rm", "--stop", "--force", "broker")
    stack.compose("run", "--rm", "--no-deps", "-T", "broker", "sh", "-c", "rm -rf /data/*")
    wait_until_well(stack)
    check(busy, said=("The run waits for a worker, and the broker has lost its message.",), lost=range(SLOTS + 1))


def test_crash_of_the_database_ends_every_run(busy: Load) -> None:
    """A run that was using the database fails. No run may stay in progress for ever."""
    stack = busy.stack
    crash(stack, "postgres")
    wait_until_well(stack)

    def ended() -> bool:
        statuses = [runs[0].status for runs in busy.attempts().values()]
        return seen(set(statuses) <= {"SUCCESS", "FAILURE"}, statuses)

    wait_for("the end of every run", ended, seconds=SECONDS, every=1)
    assert busy.doubles() == []
