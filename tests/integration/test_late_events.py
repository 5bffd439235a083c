"""The daemon retries each failed run, in whatever order Postgres commits the failures."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunRecord
from dagster._daemon.auto_run_reexecution import event_log_consumer
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from dagster_services.daemon import late_events
from tests.integration.databases import asking

CONSUME = "consume_new_runs_for_automatic_reexecution"


@dg.job
def nothing() -> None:
    """Does nothing."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the runs that the daemon looks at, with Dagster's consumer of events mended."""
    found: list[str] = []

    def consume(_: Any, records: Sequence[RunRecord], __: Any) -> Iterator[None]:
        found.extend(each.dagster_run.run_id for each in records)
        yield

    monkeypatch.setattr(event_log_consumer, CONSUME, consume)
    monkeypatch.setattr(event_log_consumer, "get_new_cursor", event_log_consumer.get_new_cursor)
    late_events.mend()
    monkeypatch.setattr(getattr(event_log_consumer, CONSUME), "has_begun", True)
    return found


def look(instance: DagsterInstance) -> None:
    """Lets the daemon read new events once."""
    for _ in EventLogConsumerDaemon().run_iteration(SimpleNamespace(instance=instance)):
        pass


def test_failure_that_is_committed_after_a_later_one_is_seen_once(
    migrated: dict[str, str], in_environment: dict[str, str], seen: list[str]
) -> None:
    """Postgres gives an id before it commits. Dagster's own daemon has never retried such a run."""
    with DagsterInstance.get() as instance, asking(migrated, "dagster", "dagster") as cursor:
        look(instance)
        cursor.execute("SELECT nextval('event_logs_id_seq')")
        (reserved,) = cursor.fetchone()
        late, soon = (instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED) for _ in range(2))
        instance.report_run_failed(soon)
        look(instance)
        instance.report_run_failed(late)
        kind = "run_id = %s AND dagster_event_type = 'PIPELINE_FAILURE'"
        cursor.execute(f"UPDATE event_logs SET id = %s WHERE {kind}", (reserved, late.run_id))
        assert cursor.rowcount == 1
        cursor.connection.commit()
        for _ in range(3):
            look(instance)
    assert seen == [soon.run_id, late.run_id]


def test_run_is_seen_when_it_has_ended(migrated: dict[str, str], in_environment: dict[str, str]) -> None:
    """The event is committed before the run's status. Dagster's own daemon has not retried a run that it saw in between."""
    found: list[str] = []
    with DagsterInstance.get() as instance:
        run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED)
        (begun,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        instance.report_run_failed(run)
        (ended,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        once = late_events.Once(lambda _, records, __: iter([found.append(each.dagster_run.run_id) for each in records]))
        for record in (begun, ended, ended):
            list(once(SimpleNamespace(instance=instance), [record], None))
    assert found == [run.run_id]


def failed(instance: DagsterInstance, tags: dict[str, str]) -> RunRecord:
    """Returns a run that has failed, with tags that it has got afterwards."""
    run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED)
    instance.report_run_failed(run)
    instance.add_run_tags(run.run_id, tags)
    return instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))[0]


def test_restarted_daemon_leaves_runs_alone_that_are_settled(migrated: dict[str, str], in_environment: dict[str, str]) -> None:
    """It reads the last events again. A retry that somebody has deleted must not come back."""
    found: list[str] = []
    with DagsterInstance.get() as instance:
        context = SimpleNamespace(instance=instance)
        deleted = failed(instance, {"dagster/auto_retry_run_id": "deleted"})
        hopeless = failed(instance, {"dagster/will_retry": "false"})
        waiting = failed(instance, {"dagster/will_retry": "true"})
        once = late_events.Once(lambda _, records, __: iter([found.append(each.dagster_run.run_id) for each in records]))
        list(once(context, [deleted, hopeless, waiting], None))
        assert found == [waiting.dagster_run.run_id]
        # It is seen for the first time by a process that has begun: Dagster says why it is not retried.
        later = failed(instance, {"dagster/will_retry": "false"})
        list(once(context, [later], None))
    assert found == [waiting.dagster_run.run_id, later.dagster_run.run_id]


def test_run_that_dagster_cannot_retry_does_not_stop_the_others(
    migrated: dict[str, str], in_environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """User code can give a run a tag that Dagster cannot read."""
    with DagsterInstance.get() as instance:
        odd = failed(instance, {"dagster/failure_reason": "odd"})
        good = failed(instance, {"dagster/max_retries": "0"})
        once = late_events.Once(event_log_consumer.consume_new_runs_for_automatic_reexecution)
        once.has_begun = True
        list(once(SimpleNamespace(instance=instance), [odd, good], logging.getLogger("daemon")))
        assert instance.get_run_by_id(good.dagster_run.run_id).tags["dagster/will_retry"] == "false"
    assert f"run {odd.dagster_run.run_id} is not retried" in caplog.text


def test_cursor_stays_behind_the_newest_event_and_never_goes_back() -> None:
    """A large database has large ids."""
    assert late_events.trailing(0, []) == 0
    assert late_events.trailing(0, [900]) == 0
    assert late_events.trailing(5000, [5900, 5400]) == 5000
    assert late_events.trailing(5000, [8000]) == 7000
