"""Odd but plausible user code: it is terminated at any moment, meets every limit, and looks for places to write."""

from __future__ import annotations

import json
import re

import pytest

from dagster_api.client import SELECTOR
from dagster_api.runs import Run
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.stack.conftest import VARIABLES, Stack
from tests.stack.database import asked
from tests.stack.runs import attempts, begun, canceled

pytestmark = pytest.mark.timeout(300)
# One container alone has these: `dagster_code_server.serve` says why. The last two are Dagster's, for a run.
DIFFERENT = {"HOSTNAME", "LISTEN_ON", "RUN_CONTAINER", "ALERT_URLS_FILE", "DAGSTER_RUN_JOB_NAME", "SF_PARTNER"}
RESULT = """{ __typename ... on PythonError { message }
  ... on DryRunInstigationTick { evaluationResult { skipReason error { message } } } }"""
SENSOR = f"mutation($selector: SensorSelector!) {{ tick: sensorDryRun(selectorData: $selector, cursor: null) {RESULT} }}"
SCHEDULE = (
    f"mutation($selector: ScheduleSelector!) {{ tick: scheduleDryRun(selectorData: $selector, timestamp: 1700000000) {RESULT} }}"
)
POOL_OF_ONE = 'mutation { setConcurrencyLimit(concurrencyKey: "oven", limit: 1) }'
DISCARD = """import sys, dagster
with dagster.DagsterInstance.get() as instance:
    instance.run_launcher._discard(instance.get_run_by_id(sys.argv[1]))
"""


@pytest.fixture
def odd(still: Stack) -> Stack:
    """Returns the copy, whose code location holds the odd code."""
    return still


@pytest.mark.parametrize("job", ["sleep_job", "sleep_in_processes_job", "two_steps_job", "deaf_job", "deaf_in_processes_job"])
def test_a_run_that_is_terminated_in_a_step_is_canceled_and_not_tried_again(odd: Stack, job: str) -> None:
    """Whatever its executor, although its retry policy has attempts left, and although it ignores the interrupt."""
    run_id = odd.client.launch(job)
    begun(odd, run_id)
    assert canceled(odd, run_id).status == "CANCELED", odd.client.story(run_id)
    assert attempts(odd, run_id) == 1


@pytest.mark.parametrize("job", ["wait_job", "wait_in_processes_job"])
def test_a_run_that_is_terminated_while_it_waits_for_another_attempt_is_canceled(odd: Stack, job: str) -> None:
    """Five minutes are left."""
    run_id = odd.client.launch(job)

    def waits() -> bool:
        return seen("STEP_UP_FOR_RETRY" in odd.client.story(run_id), odd.client.story(run_id))

    wait_for("a step that waits", waits, seconds=60)
    assert canceled(odd, run_id).status == "CANCELED", odd.client.story(run_id)
    assert "STEP_RESTARTED" not in odd.client.story(run_id)


@pytest.mark.parametrize("job", ["pool_job", "pool_in_processes_job"])
def test_a_run_that_is_terminated_while_it_waits_for_its_pool_is_canceled(odd: Stack, job: str) -> None:
    """Another run has the only slot. It frees the slot when it is canceled: the next test needs it at once."""
    odd.client.query(POOL_OF_ONE)
    holder = odd.client.launch("pool_job")
    begun(odd, holder)
    run_id = odd.client.launch(job)

    def waits() -> bool:
        story = odd.client.story(run_id)
        return seen("blocked by limit for pool oven" in story, story)

    wait_for("a step that waits for its pool", waits, seconds=60)
    assert canceled(odd, run_id).status == "CANCELED", odd.client.story(run_id)
    assert canceled(odd, holder).status == "CANCELED"
    assert attempts(odd, run_id) == 0


def test_the_container_of_a_launch_that_failed_is_removed_unless_its_run_has_started(odd: Stack) -> None:
    """The engine may have made it although its answer was lost. The daemon removes it, so that no work is done twice."""
    run_id = odd.client.launch("sleep_job")
    begun(odd, run_id)
    container = odd.client.run(run_id).tags["docker/container_id"]
    odd.compose("exec", "-T", "daemon", "python", "-c", DISCARD, run_id)
    assert run(["docker", "inspect", "--format", "{{.State.Status}}", container], capture=True).strip() == "running"
    assert canceled(odd, run_id).status == "CANCELED"
    odd.compose("exec", "-T", "daemon", "python", "-c", DISCARD, run_id)
    assert run(["docker", "ps", "--all", "--quiet", "--filter", f"id={container}"], capture=True) == ""


def test_a_run_that_is_killed_after_its_time_says_so_at_once(odd: Stack) -> None:
    """The launcher knows that it has stopped it."""
    run_id = odd.client.launch("deaf_job")
    begun(odd, run_id)
    canceled(odd, run_id)
    assert re.search(
        r"The run was terminated\. Container \S+ had not ended within 7 s, and was killed\.", odd.client.story(run_id)
    )


@pytest.mark.parametrize("status", ["STARTING", "QUEUED"])
def test_a_run_that_has_not_begun_is_canceled(odd: Stack, status: str) -> None:
    """Its container ends as well, and nothing is done."""
    blocking = [odd.client.launch("sleep_job") for _ in range(3)] if status == "QUEUED" else []
    for run_id in blocking:
        begun(odd, run_id)
    run_id = odd.client.launch("sleep_job")

    def reached() -> str:
        now = odd.client.run(run_id).status
        return seen(now if now == status else None, now)

    wait_for(f"a run that is {status}", reached, seconds=30, every=0.02)
    ended = canceled(odd, run_id)
    for other in blocking:
        odd.client.terminate(other)
    if container := odd.client.run(run_id).tags.get("docker/container_id"):
        run(["docker", "wait", container], capture=True)
    assert (ended.status, attempts(odd, run_id)) == ("CANCELED", 0), odd.client.story(run_id)


def test_a_run_that_exceeds_its_time_fails_and_is_not_started_again(odd: Stack) -> None:
    """A cap of six hours would become eighteen."""
    run_id = odd.client.launch("sleep_job", tags={"dagster/max_runtime": "1"})

    def failed() -> Run:
        # In between, its process says that it was canceled.
        now = odd.client.run(run_id)
        return seen(now if now.status == "FAILURE" else None, now)

    ended = wait_for("a run that has failed", failed, seconds=90)
    assert "Exceeded maximum runtime of 1 seconds." in odd.client.story(run_id)
    assert ended.tags["dagster/will_retry"] == "false"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("fill_tmp", "RUN_TMP in .env sets"),
        ("start_threads", "RUN_PIDS in .env sets the limit"),
        ("write_beside_the_code", "The root file system of a run is read-only."),
        ("execute_in_tmp", "Nothing in /tmp can be executed."),
        ("reach_outside", "RUN_EGRESS=allow in .env lets runs reach hosts"),
        ("start_a_run", "A schedule or a sensor starts runs"),
    ],
)
def test_a_step_that_meets_a_limit_is_told_its_setting(odd: Stack, act: str, said: str) -> None:
    """In the events of its run."""
    ended = odd.client.wait(odd.client.launch("limit_job", config=acting(act)))
    assert ended.status == "FAILURE"
    assert said in odd.client.story(ended.run_id), odd.client.story(ended.run_id)


@pytest.mark.parametrize(
    ("act", "said", "again"),
    [
        ("fill_memory", "it needed more memory than the 1024 MiB that RUN_MEMORY in .env allows", "false"),
        ("fill_shared_memory", "holds 64 MiB, which RUN_SHM in .env sets; RUN_TMP", "false"),
        ("be_killed", "it was killed from outside (SIGKILL)", "true"),
    ],
)
def test_a_run_that_is_killed_names_the_limit_and_is_started_again_only_where_that_may_help(
    odd: Stack, act: str, said: str, again: str
) -> None:
    """Out of memory would be out of memory again."""
    ended = odd.client.wait(odd.client.launch("limit_job", config=acting(act), tags={"dagster/max_retries": "1"}))
    assert (ended.status, odd.client.run(ended.run_id).tags["dagster/will_retry"]) == ("FAILURE", again)
    assert said in odd.client.story(ended.run_id)


def test_the_daemon_starts_a_lost_run_again_behind_an_event_that_it_cannot_read(odd: Stack) -> None:
    """A run can write such an event; the daemon then retried no run of anybody."""
    columns = 'run_id, event, dagster_event_type, "timestamp"'
    unreadable = (
        f"INSERT INTO event_logs ({columns}) VALUES ('some run', '{{\"__class__\": \"Nope\"}}', 'PIPELINE_FAILURE', now())"
    )
    assert asked(odd, "dagster", unreadable) == ["done"]
    lost = odd.client.launch("limit_job", config=acting("be_killed"), tags={"dagster/max_retries": "1"})
    tags = [{"key": "dagster/parent_run_id", "value": lost}]

    def retried() -> bool:
        return seen(bool(odd.client.runs(tags=tags)), odd.client.story(lost))

    wait_for("another attempt", retried, seconds=90)


def test_a_step_whose_process_is_killed_names_the_limits(odd: Stack) -> None:
    """With a process for each step the run itself goes on."""
    config = acting("fill_shared_memory")
    ended = odd.client.wait(odd.client.launch("limit_in_processes_job", config=config))
    assert ended.status == "FAILURE"
    assert "(RUN_MEMORY) or more shared memory (RUN_SHM)" in odd.client.story(ended.run_id)


def test_server_and_runs_see_the_same_environment_and_places(odd: Stack) -> None:
    """Each variable of the operator arrives as it was set, and each place can be written."""
    run_id = odd.succeeds("look_job").run_id
    output = json.loads(next(line for line in odd.client.output(run_id)[0].splitlines() if line.startswith('{"environment"')))
    server = json.loads(odd.compose("exec", "-T", "user_code", "python", "-m", "user_code.places"))
    for name, value in VARIABLES.items():
        assert output["environment"][name] == value.replace("$$", "$")
    different = {name for name, _ in output["environment"].items() ^ server["environment"].items()}
    assert different <= DIFFERENT
    assert output["places"] == server["places"]
    assert output["places"]["user"] == "dagster"
    assert output["places"]["executed"] == "runs"
    assert odd.compose("exec", "-T", "user_code", "cat", "data/file.csv") == "kept"


def test_a_sensor_that_takes_longer_than_its_setting_is_told_which(odd: Stack) -> None:
    """The copy allows three seconds to a sensor, and the sixty of the default to a schedule."""
    sensor = odd.client.query(SENSOR, selector={**SELECTOR, "sensorName": "slow_sensor"})
    assert "longer than 3 seconds to execute the sensor function" in json.dumps(sensor)
    schedule = odd.client.query(SCHEDULE, selector={**SELECTOR, "scheduleName": "slow_schedule"})
    assert schedule["tick"]["evaluationResult"]["skipReason"] == "five seconds later"


def acting(act: str) -> dict:
    return {"ops": {"meet_a_limit": {"config": {"act": act}}}}
