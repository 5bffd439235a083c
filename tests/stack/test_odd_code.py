"""User code may be unusual. The tests terminate its runs at any moment, exceed every limit, and write to many folders."""

from __future__ import annotations

import json
import re

import pytest

from dagster_api.runs import Run
from dagster_api.waiting import seen, wait_for
from operate.compose import run
from tests.selector import SELECTOR
from tests.stack.conftest import VARIABLES, Stack
from tests.stack.database import query
from tests.stack.runs import attempt_count, terminated, wait_until_begun, will_retry

pytestmark = pytest.mark.timeout(300)
# Only one of the two containers has these variables: see `dagster_code_server.serve`. Dagster sets the last two for a run.
DIFFERENT = {"HOSTNAME", "LISTEN_ON", "ALERT_URLS_FILE", "DAGSTER_RUN_JOB_NAME", "SF_PARTNER"}
RESULT = """{ __typename ... on PythonError { message }
  ... on DryRunInstigationTick { evaluationResult { skipReason error { message } } } }"""
SENSOR = f"mutation($selector: SensorSelector!) {{ tick: sensorDryRun(selectorData: $selector, cursor: null) {RESULT} }}"
SCHEDULE = (
    f"mutation($selector: ScheduleSelector!) {{ tick: scheduleDryRun(selectorData: $selector, timestamp: 1700000000) {RESULT} }}"
)
POOL_OF_ONE = 'mutation { setConcurrencyLimit(concurrencyKey: "oven", limit: 1) }'
# What the run says of each step of `limits_job`.
REMEDIES = {
    "fill_tmp": "RUN_TMP in .env sets",
    "start_threads": "RUN_PIDS in .env sets the limit",
    "write_beside_the_code": "The root file system of a run is read-only.",
    "execute_in_tmp": "Nothing in /tmp can be executed.",
    "reach_outside": "RUN_EGRESS=allow in .env lets runs reach hosts",
    "start_a_run": "A schedule or a sensor starts runs",
}
DISCARD = """import sys, dagster
with dagster.DagsterInstance.get() as instance:
    instance.run_launcher._discard(instance.get_run_by_id(sys.argv[1]))
"""


@pytest.mark.parametrize("job", ["sleep_job", "sleep_in_processes_job", "two_steps_job", "deaf_job", "deaf_in_processes_job"])
def test_run_terminated_during_a_step_is_canceled_and_not_retried(still: Stack, job: str) -> None:
    """Terminate must be final with both executors. The step has retries left, and some steps ignore the interrupt."""
    run_id = still.client.launch(job)
    wait_until_begun(still, run_id)
    assert terminated(still, run_id).status == "CANCELED", still.client.story(run_id)
    assert attempt_count(still, run_id) == 1


@pytest.mark.parametrize("job", ["wait_job", "wait_in_processes_job"])
def test_run_terminated_while_it_waits_for_a_retry_is_canceled(still: Stack, job: str) -> None:
    """An operator must not wait for the retry, which starts five minutes later."""
    run_id = still.client.launch(job)

    def waits() -> bool:
        return seen("STEP_UP_FOR_RETRY" in still.client.story(run_id), still.client.story(run_id))

    wait_for("a step that waits", waits, seconds=60)
    assert terminated(still, run_id).status == "CANCELED", still.client.story(run_id)
    assert "STEP_RESTARTED" not in still.client.story(run_id)


@pytest.mark.parametrize("job", ["pool_job", "pool_in_processes_job"])
def test_run_terminated_while_it_waits_for_its_pool_is_canceled(still: Stack, job: str) -> None:
    """Another run holds the only slot. It must release the slot at once, because the next test needs it."""
    still.client.query(POOL_OF_ONE)
    holder = still.client.launch("pool_job")
    wait_until_begun(still, holder)
    run_id = still.client.launch(job)

    def waits() -> bool:
        story = still.client.story(run_id)
        return seen("blocked by limit for pool oven" in story, story)

    wait_for("a step that waits for its pool", waits, seconds=60)
    assert terminated(still, run_id).status == "CANCELED", still.client.story(run_id)
    assert terminated(still, holder).status == "CANCELED"
    assert attempt_count(still, run_id) == 0


def test_daemon_removes_the_container_of_a_failed_launch_unless_its_run_has_started(still: Stack) -> None:
    """The engine may have created the container although its answer was lost. Two containers must not do the same work."""
    run_id = still.client.launch("sleep_job")
    wait_until_begun(still, run_id)
    container = still.client.run(run_id).tags["docker/container_id"]
    still.exec("daemon", "python", "-c", DISCARD, run_id)
    assert run(["docker", "inspect", "--format", "{{.State.Status}}", container], capture=True).strip() == "running"
    assert terminated(still, run_id).status == "CANCELED"
    still.exec("daemon", "python", "-c", DISCARD, run_id)
    assert run(["docker", "ps", "--all", "--quiet", "--filter", f"id={container}"], capture=True) == ""


def test_launcher_reports_that_it_killed_a_run_which_ignored_terminate(still: Stack) -> None:
    """The launcher itself killed the container, so the reason must not be missing in the run's events."""
    run_id = still.client.launch("deaf_job")
    wait_until_begun(still, run_id)
    terminated(still, run_id)
    assert re.search(
        r"The run was terminated\. Container \S+ had not ended within 7 s, and was killed\.", still.client.story(run_id)
    )


@pytest.mark.parametrize("status", ["STARTING", "QUEUED"])
def test_run_terminated_before_its_first_step_is_canceled(still: Stack, status: str) -> None:
    """Its container must end as well, and no step may begin."""
    blocking = [still.client.launch("sleep_job") for _ in range(3)] if status == "QUEUED" else []
    for run_id in blocking:
        wait_until_begun(still, run_id)
    run_id = still.client.launch("sleep_job")

    def reached() -> str:
        now = still.client.run(run_id).status
        return seen(now if now == status else None, now)

    wait_for(f"a run that is {status}", reached, seconds=30, every=0.02)
    ended = terminated(still, run_id)
    for other in blocking:
        still.client.terminate(other)
    if container := still.client.run(run_id).tags.get("docker/container_id"):
        run(["docker", "wait", container], capture=True)
    assert (ended.status, attempt_count(still, run_id)) == ("CANCELED", 0), still.client.story(run_id)


def test_run_that_exceeds_its_maximum_runtime_fails_and_is_not_retried(still: Stack) -> None:
    """With two retries, a limit of six hours would become eighteen hours."""
    run_id = still.client.launch("sleep_job", tags={"dagster/max_runtime": "1"})

    def failed() -> Run:
        # The process of the run first reports that the run was canceled. Dagster adds the tag after the status.
        now = still.client.run(run_id)
        return seen(now if (now.status, "dagster/will_retry" in now.tags) == ("FAILURE", True) else None, now)

    ended = wait_for("a run that has failed", failed, seconds=90)
    assert "Exceeded maximum runtime of 1 seconds." in still.client.story(run_id)
    assert ended.tags["dagster/will_retry"] == "false"


def test_error_of_a_step_names_the_limit_that_the_step_exceeds(still: Stack) -> None:
    """The author of the step finds the remedy in the events of the run."""
    ended = still.client.wait(still.client.launch("limits_job"))
    assert ended.steps == dict.fromkeys(REMEDIES, "FAILURE")
    events = still.client.events(ended.run_id)
    for step, remedy in REMEDIES.items():
        said = [event.get("message") or "" for event in events if event.get("stepKey") == step]
        assert remedy in "\n".join(said), (step, said)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("fill_memory", "it needed more memory than the 1024 MiB that RUN_MEMORY in .env allows"),
        ("fill_shared_memory", "holds 64 MiB, which RUN_SHM in .env sets; RUN_TMP"),
    ],
)
def test_run_that_exceeds_its_memory_names_the_limit_and_is_not_retried(still: Stack, act: str, said: str) -> None:
    """A run that needs too much memory would need too much in its retry."""
    ended = still.client.wait(still.client.launch("limit_job", config=limit_config(act), tags={"dagster/max_retries": "1"}))
    assert ended.status == "FAILURE"
    assert will_retry(still, ended.run_id) == "false"
    assert said in still.client.story(ended.run_id)


def test_daemon_retries_a_killed_run_despite_an_unreadable_event(still: Stack) -> None:
    """A retry may succeed here. A run can write such an event, and the daemon then once retried no run at all."""
    columns = 'run_id, event, dagster_event_type, "timestamp"'
    unreadable = (
        f"INSERT INTO event_logs ({columns}) VALUES ('some run', '{{\"__class__\": \"Nope\"}}', 'PIPELINE_FAILURE', now())"
    )
    assert query(still, "dagster", unreadable) == ["done"]
    lost = still.client.launch("limit_job", config=limit_config("be_killed"), tags={"dagster/max_retries": "1"})
    assert still.client.wait(lost).status == "FAILURE"
    assert "it was killed from outside (SIGKILL)" in still.client.story(lost)
    assert will_retry(still, lost) == "true"
    tags = [{"key": "dagster/parent_run_id", "value": lost}]

    def retried() -> bool:
        return seen(bool(still.client.runs(tags=tags)), still.client.story(lost))

    wait_for("another attempt", retried, seconds=90)


def test_error_of_a_killed_step_process_names_the_limits(still: Stack) -> None:
    """The multiprocess executor starts a process for each step, so the run continues and reports the error."""
    config = limit_config("fill_shared_memory")
    ended = still.client.wait(still.client.launch("limit_in_processes_job", config=config))
    assert ended.status == "FAILURE"
    assert "(RUN_MEMORY) or more shared memory (RUN_SHM)" in still.client.story(ended.run_id)


def test_code_server_and_runs_have_the_same_environment_and_writable_folders(still: Stack) -> None:
    """Code that works in the code server must also work in a run. Each variable must keep the operator's value."""
    run_id = still.succeeds("look_job").run_id
    output = json.loads(next(line for line in still.client.output(run_id)[0].splitlines() if line.startswith('{"environment"')))
    server = json.loads(still.exec("user_code", "python", "-m", "user_code.places"))
    for name, value in VARIABLES.items():
        assert output["environment"][name] == value.replace("$$", "$")
    different = {name for name, _ in output["environment"].items() ^ server["environment"].items()}
    assert different <= DIFFERENT
    assert output["places"] == server["places"]
    assert output["places"]["user"] == "dagster"
    assert output["places"]["executed"] == "runs"
    assert still.exec("user_code", "cat", "data/file.csv") == "kept"


def test_slow_sensor_fails_with_its_time_limit_and_a_slow_schedule_succeeds(still: Stack) -> None:
    """The operator sets each limit separately. In the copy a sensor may take 3 seconds, and a schedule 60 seconds."""
    sensor = still.client.query(SENSOR, selector={**SELECTOR, "sensorName": "slow_sensor"})
    assert "longer than 3 seconds to execute the sensor function" in json.dumps(sensor)
    schedule = still.client.query(SCHEDULE, selector={**SELECTOR, "scheduleName": "slow_schedule"})
    assert schedule["tick"]["evaluationResult"]["skipReason"] == "five seconds later"


def limit_config(act: str) -> dict:
    """Returns the run configuration for an act of `code_location/limits.py`."""
    return {"ops": {"meet_a_limit": {"config": {"act": act}}}}
