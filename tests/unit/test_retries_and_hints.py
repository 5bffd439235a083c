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
    """Of a dagster.yaml that names the class, as the deployment's does."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(INSTANCE)
    with dg.DagsterInstance.from_config(str(home)) as found:
        assert isinstance(found, DeploymentInstance)
        yield found


def caused_by(name: str) -> SerializableErrorInfo:
    """An error whose cause is of the class `name`."""
    return SerializableErrorInfo("outer", [], "DagsterError", cause=SerializableErrorInfo("inner", [], name))


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


@pytest.mark.parametrize(("name", "again"), [("OperationalError", True), ("InterfaceError", True), ("KeyError", False)])
def test_a_run_that_lost_its_database_is_started_again(instance: dg.DagsterInstance, name: str, *, again: bool) -> None:
    """An exception outside of any step is a bug, and comes again, but for a connection that broke."""
    assert will_retry(instance, JobFailureData(caused_by(name), RunFailureReason.RUN_EXCEPTION)) is again


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
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", "RUN_PIDS"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 9 GiB", "RUN_MEMORY"),
        ("ChildProcessCrashException: None", "RUN_SHM"),
        ("gaierror: [Errno -3] Temporary failure in name resolution", "RUN_EGRESS=allow"),
        ("OSError: [Errno 101] Network is unreachable", "RUN_EGRESS=allow"),
        ("InsufficientPrivilege: permission denied for table runs", "docs/security.md"),
    ],
)
def test_the_sentence_for_a_limit_names_its_setting(text: str, setting: str) -> None:
    """By the texts that Python and Postgres have for it."""
    assert setting in (hint(text) or "")


def test_an_error_of_another_kind_has_no_hint() -> None:
    """A wrong hint costs more than none."""
    assert hint("ValueError: 7 is no colour") is None
