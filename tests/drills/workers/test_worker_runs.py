"""A worker forks a process for each run. Runs share nothing of the process, and meet limits of their own."""

from __future__ import annotations

import json

import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.drills.workers.conftest import LOST_SECONDS
from tests.drills.workers.load import load, printed
from tests.stack.conftest import VARIABLES, Stack
from tests.stack.runs import attempt_count, terminated, wait_until_begun, will_retry
from tests.stack.test_odd_code import (  # noqa: F401 - the same tests, with runs in a worker
    limit_config,
    test_error_of_a_killed_step_process_names_the_limits,
    test_run_terminated_during_a_step_is_canceled_and_not_retried,
    test_run_terminated_while_it_waits_for_a_retry_is_canceled,
    test_run_terminated_while_it_waits_for_its_pool_is_canceled,
    test_run_that_exceeds_its_maximum_runtime_fails_and_is_not_retried,
)

pytestmark = pytest.mark.timeout(300)
# Dagster's own connections to its database: each storage may have one.
DATABASE_CONNECTIONS = 3


def test_run_sees_nothing_of_an_earlier_run_of_its_worker(still: Stack) -> None:
    """The code of one run must not change the result of another one."""
    left = [printed(still, still.succeeds("leave_traces_job").run_id)["pid"] for _ in range(3)]
    found = [printed(still, still.succeeds("find_traces_job").run_id) for _ in range(3)]
    assert len({*left, *(each["pid"] for each in found)}) == 6
    for each in found:
        assert (each["variable"], each["attribute"], each["files"], each["program"]) == (False, False, [], False)
        assert each["worker"] == []


def test_process_of_a_run_starts_without_threads_and_connections_of_the_worker(still: Stack) -> None:
    """A fork of a process with threads can hang. Two processes that share a connection destroy its data."""
    found = printed(still, still.succeeds("find_traces_job").run_id)
    assert found["threads"] == ["MainThread"]
    sockets = [link for link in found["connections"] if link.startswith("socket:")]
    assert len(sockets) <= DATABASE_CONNECTIONS, found["connections"]


def test_runs_and_code_server_have_the_same_environment(still: Stack) -> None:
    """Code that works in the code server must also work in a worker."""
    output = printed(still, still.succeeds("look_job").run_id)
    server = json.loads(still.exec("user_code", "python", "-m", "user_code.places"))
    for name, value in VARIABLES.items():
        assert output["environment"][name] == value.replace("$$", "$")
    different = {name for name, _ in output["environment"].items() ^ server["environment"].items()}
    assert different <= {"HOSTNAME", "LISTEN_ON", "ALERT_URLS_FILE", "DAGSTER_RUN_JOB_NAME", "SF_PARTNER", "TMPDIR"}
    assert output["places"] | {"temporary": ""} == server["places"] | {"temporary": ""}
    assert output["places"]["temporary"].startswith("/tmp/runs/")  # noqa: S108 - in the container


@pytest.mark.parametrize(
    ("act", "said", "again"),
    [
        ("fill_shared_memory", "a file in memory was full (SIGBUS): RUN_SHM in .env sets the size of /dev/shm", "false"),
        ("be_killed", "ended: it was killed from outside (SIGKILL).", "true"),
    ],
)
def test_killed_run_names_its_limit_and_is_retried_only_if_a_retry_may_succeed(
    still: Stack, act: str, said: str, again: str
) -> None:
    """A run that needs too much memory would need too much in its retry."""
    ended = still.client.wait(still.client.launch("limit_job", config=limit_config(act), tags={"dagster/max_retries": "1"}))
    assert ended.status == "FAILURE"
    assert will_retry(still, ended.run_id) == again
    assert said in still.client.story(ended.run_id)


@pytest.mark.parametrize("isolation", ["worker", "container"])
def test_run_killed_after_its_last_step_fails_and_has_nothing_to_retry(still: Stack, isolation: str) -> None:
    """Dagster retries from where a run failed. Here all work is done, which the run's steps and an event say."""
    run_id = still.client.launch("done_and_killed_job", tags={"dagster/isolation": isolation})
    assert still.client.wait(run_id).status == "FAILURE"

    def refused() -> bool:
        story = still.client.story(run_id)
        return seen("Failed to retry run" in story, story)

    wait_for("the refused retry", refused, seconds=60)
    assert set(still.client.run(run_id).steps.values()) == {"SUCCESS"}
    assert still.client.runs(tags=[{"key": "dagster/parent_run_id", "value": run_id}]) == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("fill_memory", "The run needs more memory than it may have: RUN_MEMORY in .env sets the limit"),
        ("fill_tmp", "RUN_TMP in .env sets"),
        ("write_beside_the_code", "The root file system of a run is read-only."),
        ("reach_outside", "RUN_EGRESS=allow in .env lets runs reach hosts"),
        ("start_a_run", "A schedule or a sensor starts runs"),
    ],
)
def test_run_that_exceeds_a_limit_fails_alone(still: Stack, act: str, said: str) -> None:
    """Its neighbour in the same worker goes on."""
    neighbour = still.client.launch("sleep_job")
    wait_until_begun(still, neighbour)
    ended = still.client.wait(still.client.launch("limit_job", config=limit_config(act)))
    assert ended.status == "FAILURE"
    assert said in still.client.story(ended.run_id), still.client.story(ended.run_id)
    assert still.client.run(neighbour).status == "STARTED"
    assert terminated(still, neighbour).status == "CANCELED"


def test_worker_says_that_it_killed_a_run_which_ignored_terminate(still: Stack) -> None:
    """The reason must not be missing in the run's events."""
    run_id = still.client.launch("deaf_job")
    wait_until_begun(still, run_id)
    assert terminated(still, run_id).status == "CANCELED"
    assert "it had not ended within 7 s, and was killed" in still.compose("logs", "user_code_worker")


@pytest.mark.parametrize("status", ["STARTING", "QUEUED"])
def test_run_terminated_before_its_first_step_is_canceled(still: Stack, status: str) -> None:
    """No step of a queued run may begin."""
    blocking = [still.client.launch("sleep_job") for _ in range(3)] if status == "QUEUED" else []
    for run_id in blocking:
        wait_until_begun(still, run_id)
    run_id = still.client.launch("sleep_job")

    def reached() -> str:
        now = still.client.run(run_id).status
        return seen(now if now == status else None, now)

    wait_for(f"a run that is {status}", reached, seconds=30, every=0.005)
    ended = terminated(still, run_id)
    for other in blocking:
        still.client.terminate(other)
    assert ended.status == "CANCELED", still.client.story(run_id)
    # A run starts within a fifth of a second, and its worker notices the end within a second: a step may have begun.
    assert status == "STARTING" or attempt_count(still, run_id) == 0, still.client.story(run_id)


def test_tag_gives_a_run_a_container_of_its_own(still: Stack) -> None:
    """A heavy or untrusted job keeps its container while others are fast."""
    apart = still.succeeds("quick_job", tags={"dagster/isolation": "container"})
    assert "docker/container_id" in apart.tags
    together = still.succeeds("quick_job")
    assert "docker/container_id" not in together.tags
    assert together.tags["dagster/worker_task"].startswith(together.run_id)


def test_run_with_an_unknown_isolation_fails_with_a_sentence(still: Stack) -> None:
    """A typing mistake must not lose the run's container."""
    failed = still.client.wait(still.client.launch("quick_job", tags={"dagster/isolation": "vm"}))
    assert failed.status == "FAILURE"
    said = "The run's tag dagster/isolation is 'vm', which is not allowed: it must be container or worker."
    assert said in still.client.errors(failed.run_id) + still.client.story(failed.run_id)


def test_run_that_takes_longer_than_every_time_limit_is_executed_once(still: Stack) -> None:
    """A broker hands a message out again if nobody confirms it in time. A lease expires if nobody renews it."""
    seconds = 3 * LOST_SECONDS
    runs = load(still, count=2, seconds=seconds)
    attempts = runs.wait(seconds=6 * LOST_SECONDS)
    assert [len(each) for each in attempts.values()] == [1, 1]
    assert runs.doubles() == []
    said = still.compose("logs", "--since", f"{4 * LOST_SECONDS}s", "user_code_worker")
    assert not any(f"run {root} is not executed" in said for root in runs.roots)


def test_no_password_of_the_broker_is_in_an_environment_a_log_or_a_message(still: Stack) -> None:
    """Docker shows the environment and the command line of each container."""
    still.succeeds("quick_job")
    services = still.compose("ps", "--all", "--quiet").split()
    shown = run(["docker", "inspect", *services], capture=True) + still.compose("logs")
    passwords = [still.exec(service, "cat", "/run/secrets/broker_password").strip() for service in ("user_code_worker", "daemon")]
    assert len(set(passwords)) == 2
    assert all(len(password) > 40 and password not in shown for password in passwords)
