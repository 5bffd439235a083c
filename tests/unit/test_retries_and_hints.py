"""The instance of the deployment on a real Dagster instance: which runs it starts again, and which limits it explains."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType, JobFailureData, RunFailureReason
from dagster._daemon.auto_run_reexecution import auto_run_reexecution as retries
from dagster._utils.error import SerializableErrorInfo

from dagster_deployment.hints import READ_ONLY, hint
from dagster_deployment.instance import DeploymentInstance, apply_to_daemon

INSTANCE = """
instance_class: {module: dagster_deployment.instance, class: DeploymentInstance}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
telemetry: {enabled: false}
"""


@dg.op
def meet_limit() -> None:
    """Fails as user code does that writes where it may not."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), "out.csv")


@dg.job
def meeting_job() -> None:
    """One op."""
    meet_limit()


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Returns the instance of a dagster.yaml that names the class, as the deployment's does."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(INSTANCE)
    with dg.DagsterInstance.from_config(str(home)) as found:
        assert isinstance(found, DeploymentInstance)
        yield found


def caused_by(name: str, file: str) -> SerializableErrorInfo:
    """An error whose cause is of the class `name`, raised in `file`."""
    cause = SerializableErrorInfo("inner", [f'  File "{file}", line 1, in ask\n'], name)
    return SerializableErrorInfo("outer", [], "DagsterError", cause=cause)


def will_retry(instance: dg.DagsterInstance, data: JobFailureData | None, tags: dict[str, str] | None = None) -> bool:
    """Whether Dagster would start a run again that fails like this."""
    run = instance.create_run_for_job(meeting_job, tags=tags)
    instance.report_run_failed(run, "It failed.", data)
    return instance.get_run_by_id(run.run_id).tags["dagster/will_retry"] == "true"


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        (RunFailureReason.UNEXPECTED_TERMINATION, True),
        (RunFailureReason.START_TIMEOUT, True),
        (RunFailureReason.RUN_WORKER_RESTART, True),
        (RunFailureReason.STEP_FAILURE, False),
        (RunFailureReason.RUN_EXCEPTION, False),
        (RunFailureReason.JOB_INITIALIZATION_FAILURE, False),
        (RunFailureReason.UNKNOWN, False),
        (None, False),
    ],
)
def test_a_run_is_started_again_only_where_its_worker_was_lost(
    instance: dg.DagsterInstance, reason: RunFailureReason | None, *, again: bool
) -> None:
    """Every reason that Dagster knows. None is the end by `dagster/max_runtime`, and a launch that was refused."""
    assert will_retry(instance, JobFailureData(error=None, failure_reason=reason)) is again


def test_every_reason_of_dagster_is_decided() -> None:
    """A new release may bring another."""
    assert {reason.value for reason in RunFailureReason} == {
        "UNEXPECTED_TERMINATION", "START_TIMEOUT", "RUN_WORKER_RESTART", "STEP_FAILURE", "RUN_EXCEPTION",
        "JOB_INITIALIZATION_FAILURE", "UNKNOWN",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "file", "again"),
    [
        ("OperationalError", "/lib/dagster_postgres/utils.py", True),
        ("InterfaceError", "/lib/dagster/_core/storage/runs/sql_run_storage.py", True),
        ("OperationalError", "/opt/user_code/src/shop/resources.py", False),
        ("KeyError", "/lib/dagster_postgres/utils.py", False),
    ],
)
def test_a_run_that_lost_its_database_is_started_again(
    instance: dg.DagsterInstance, name: str, file: str, *, again: bool
) -> None:
    """An exception outside of any step is a bug, and comes again, but for Dagster's own connection that broke."""
    assert will_retry(instance, JobFailureData(caused_by(name, file), RunFailureReason.RUN_EXCEPTION)) is again


def test_the_daemon_keeps_to_the_rule_where_the_run_has_no_tag_yet(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has been seen to read the failure before the tag, and to decide by itself."""
    monkeypatch.setattr(retries, "auto_reexecution_should_retry_run", retries.auto_reexecution_should_retry_run)
    apply_to_daemon()
    for reason, again in ((None, False), (RunFailureReason.START_TIMEOUT, True)):
        run = instance.create_run_for_job(meeting_job)
        instance.report_run_failed(run, "It failed.", JobFailureData(error=None, failure_reason=reason))
        seen = instance.get_run_by_id(run.run_id)
        untagged = seen.with_tags({name: value for name, value in seen.tags.items() if name != "dagster/will_retry"})
        assert retries.should_retry(untagged, instance) is again


def test_a_run_may_ask_for_retries_after_a_failed_step(instance: dg.DagsterInstance) -> None:
    """Dagster's own tag still counts."""
    data = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)
    assert will_retry(instance, data, {"dagster/retry_on_asset_or_op_failure": "true"})


def test_a_step_that_met_a_limit_is_followed_by_the_sentence(instance: dg.DagsterInstance) -> None:
    """In the events of the run, at the step."""
    result = meeting_job.execute_in_process(instance=instance, raise_on_error=False)
    said = [
        (event.step_key, event.dagster_event.message)
        for event in instance.all_logs(result.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    ]
    assert ("meet_limit", READ_ONLY) in said


def test_an_event_without_an_error_is_followed_by_nothing(instance: dg.DagsterInstance) -> None:
    """A run that failed without one, for instance."""
    run = instance.create_run_for_job(meeting_job)
    instance.report_dagster_event(
        DagsterEvent(DagsterEventType.RUN_FAILURE.value, job_name="meeting_job", message="Failed."), run_id=run.run_id
    )
    assert [event.dagster_event.message for event in instance.all_logs(run.run_id)] == ["Failed."]


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("OSError: [Errno 30] Read-only file system: 'out.csv'", "data/"),
        ("OSError: [Errno 28] No space left on device: '/tmp/a'", "RUN_TMP"),
        ("OSError: [Errno 28] No space left on device: '/home/dagster/a'", "RUN_TMP"),
        ("OSError: [Errno 28] No space left on device: '/dev/shm/a'", "RUN_SHM"),
        ("OSError: [Errno 28] No space left on device", "RUN_TMP"),
        ("PermissionError: [Errno 13] Permission denied: '/tmp/tool'", "TMPDIR"),
        ("ImportError: /tmp/x.so: failed to map segment from shared object", "TMPDIR"),
        ("RuntimeError: can't start new thread", "RUN_PIDS"),
        ("CalledProcessError: sh: 1: fork: Resource temporarily unavailable", "RUN_PIDS"),
        ("MemoryError: ", "RUN_MEMORY"),
        ("BrokenProcessPool: A process in the process pool was terminated abruptly", "RUN_MEMORY"),
        ("CalledProcessError: Command 'dbt' died with <Signals.SIGKILL: 9>.", "RUN_MEMORY"),
        ("RuntimeError: DataLoader worker (pid 9) is killed by signal: Bus error.", "RUN_SHM"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 9 GiB", "RUN_MEMORY"),
        ("ChildProcessCrashException: None", "RUN_SHM"),
        ("gaierror: [Errno -3] Temporary failure in name resolution", "RUN_EGRESS=allow"),
        ("OSError: [Errno 101] Network is unreachable", "RUN_EGRESS=allow"),
        ("InsufficientPrivilege: permission denied for table runs", "docs/security.md"),
    ],
)
def test_the_sentence_for_a_limit_names_its_setting(text: str, setting: str) -> None:
    """The hint recognizes the error texts of Python and Postgres."""
    assert setting in (hint(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: 7 is no colour",
        "BlockingIOError: [Errno 11] Resource temporarily unavailable",
        "InsufficientPrivilege: permission denied for table orders",
        "OutOfMemoryError: CUDA out of memory",
        "RuntimeError: name resolution succeeded",
    ],
)
def test_an_error_of_another_kind_has_no_hint(text: str) -> None:
    """A wrong hint costs more than none: a lock of another process, a table of another database."""
    assert hint(text) is None


def test_a_step_that_met_a_limit_is_told_once(instance: dg.DagsterInstance) -> None:
    """The failure of the run holds the same error once more."""
    result = meeting_job.execute_in_process(instance=instance, raise_on_error=False)
    assert [event.dagster_event.message for event in instance.all_logs(result.run_id)].count(READ_ONLY) == 1
