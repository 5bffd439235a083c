"""A real Dagster instance with the deployment's class decides which runs Dagster retries, and explains limits."""

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
    """Fails as user code does when it writes to a read-only path."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), "out.csv")


@dg.job
def meeting_job() -> None:
    """Runs the op that meets a limit."""
    meet_limit()


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Yields the instance of a dagster.yaml that names the class, as the deployment's dagster.yaml does."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(INSTANCE)
    with dg.DagsterInstance.from_config(str(home)) as found:
        assert isinstance(found, DeploymentInstance)
        yield found


def caused_by(name: str, file: str) -> SerializableErrorInfo:
    """Returns an error whose cause is of the class `name` and was raised in `file`."""
    cause = SerializableErrorInfo("inner", [f'  File "{file}", line 1, in ask\n'], name)
    return SerializableErrorInfo("outer", [], "DagsterError", cause=cause)


def will_retry(instance: dg.DagsterInstance, data: JobFailureData | None, tags: dict[str, str] | None = None) -> bool:
    """Returns whether Dagster would retry a run that fails with `data`."""
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
def test_dagster_retries_a_run_only_if_its_worker_was_lost(
    instance: dg.DagsterInstance, reason: RunFailureReason | None, *, again: bool
) -> None:
    """A failed step would fail again. None stands for the end by `dagster/max_runtime`, and for a rejected launch."""
    assert will_retry(instance, JobFailureData(error=None, failure_reason=reason)) is again


def test_retry_rule_covers_every_failure_reason_of_dagster() -> None:
    """A new release of Dagster may add a reason, and the rule must then decide it."""
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
def test_dagster_retries_a_run_that_lost_its_database_connection(
    instance: dg.DagsterInstance, name: str, file: str, *, again: bool
) -> None:
    """Any other exception outside a step is a bug, and would occur again."""
    assert will_retry(instance, JobFailureData(caused_by(name, file), RunFailureReason.RUN_EXCEPTION)) is again


def test_daemon_follows_the_retry_rule_if_the_run_has_no_tag_yet(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon sometimes reads the failure before the tag, and then decides itself."""
    monkeypatch.setattr(retries, "auto_reexecution_should_retry_run", retries.auto_reexecution_should_retry_run)
    apply_to_daemon()
    for reason, again in ((None, False), (RunFailureReason.START_TIMEOUT, True)):
        run = instance.create_run_for_job(meeting_job)
        instance.report_run_failed(run, "It failed.", JobFailureData(error=None, failure_reason=reason))
        seen = instance.get_run_by_id(run.run_id)
        untagged = seen.with_tags({name: value for name, value in seen.tags.items() if name != "dagster/will_retry"})
        assert retries.should_retry(untagged, instance) is again


def test_run_tag_allows_retries_after_a_failed_step(instance: dg.DagsterInstance) -> None:
    """Dagster documents this tag, so users expect it to work."""
    data = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)
    assert will_retry(instance, data, {"dagster/retry_on_asset_or_op_failure": "true"})


def test_instance_reports_the_limit_at_the_step_that_met_it(instance: dg.DagsterInstance) -> None:
    """The user reads the events of the run, and finds the setting there."""
    result = meeting_job.execute_in_process(instance=instance, raise_on_error=False)
    said = [
        (event.step_key, event.dagster_event.message)
        for event in instance.all_logs(result.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    ]
    assert ("meet_limit", READ_ONLY) in said


def test_instance_adds_no_hint_to_an_event_without_an_error(instance: dg.DagsterInstance) -> None:
    """A run can fail without an error, and the hint must not fail then."""
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
def test_hint_names_the_setting_of_a_limit(text: str, setting: str) -> None:
    """The errors of Python and Postgres do not name the settings of this deployment."""
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
def test_hint_ignores_other_errors(text: str) -> None:
    """A wrong hint costs more time than none. Here the cause is elsewhere, such as a table of another database."""
    assert hint(text) is None


def test_instance_reports_a_limit_once(instance: dg.DagsterInstance) -> None:
    """The failure of the run holds the same error a second time."""
    result = meeting_job.execute_in_process(instance=instance, raise_on_error=False)
    assert [event.dagster_event.message for event in instance.all_logs(result.run_id)].count(READ_ONLY) == 1
