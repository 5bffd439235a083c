"""Daemon and UI read few blocks, although Postgres holds five days of ticks. The tests use Dagster's own statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import dagster as dg
import psycopg2
import pytest
import sqlalchemy as sa
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus

from dagster_services.database import indexes, run_grants
from dagster_services.database.migrate import unless_somebody_is_in_the_way
from tests.integration.conftest import migrate
from tests.integration.databases import asking, connected

# Ten sensors tick every 30 s, and the first five sometimes fail. Number 10 is a weekly schedule. Number 11 has no tick.
SENSORS, TICKS = 10, 150_000
FILL = """
    INSERT INTO job_ticks (job_origin_id, selector_id, status, type, "timestamp", tick_body)
    SELECT 'origin_' || number, 'selector_' || number,
        CASE WHEN number < 5 AND tick %% 7 = 0 THEN 'FAILURE' ELSE 'SUCCESS' END, 'SENSOR',
        now() AT TIME ZONE 'utc' - (15000 - tick) * interval '30 seconds', %(body)s || repeat(' ', 400)
    FROM generate_series(1, 15000) tick, generate_series(0, 9) number ORDER BY tick;
    INSERT INTO job_ticks (job_origin_id, selector_id, status, type, "timestamp", tick_body)
    SELECT 'origin_10', 'selector_10', 'SUCCESS', 'SCHEDULE', now() AT TIME ZONE 'utc' - week * interval '7 days', %(body)s
    FROM generate_series(1, 4) week;
"""
BUSY, NEVER_FAILS, WEEKLY, NEW = 3, 8, 10, 11
Ask = Callable[[Any, str, str], Any]
# Each question, with the number of blocks of 8 kB that it may read. The ticks take 21,000 blocks.
QUESTIONS: dict[str, tuple[Ask, int]] = {
    "the latest tick": (lambda ticks, origin, selector: ticks.get_ticks(origin, selector, limit=1), 20),
    "a page": (lambda ticks, origin, selector: ticks.get_ticks(origin, selector, limit=25), 150),
    "a page of summaries": (lambda ticks, origin, selector: ticks.get_tick_summaries(origin, selector, limit=25), 150),
    "failures": (
        lambda ticks, origin, selector: ticks.get_ticks(origin, selector, limit=25, statuses=[TickStatus.FAILURE]),
        1000,
    ),
    "the latest of some": (lambda ticks, _, selector: ticks.get_batch_ticks([selector], limit=1), 20),
}


@pytest.fixture(scope="module")
def filled(migrated: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yields the environment of a database with 150,004 ticks, prepared only by `migrate`, as at a start."""
    tick = TickData("origin", "name", InstigatorType.SENSOR, TickStatus.SUCCESS, 1.0, run_ids=["x" * 36], cursor="x" * 500)
    with asking(migrated, "dagster", "dagster") as cursor:
        cursor.execute("DELETE FROM job_ticks")
        cursor.execute(FILL, {"body": dg.serialize_value(tick)})
        cursor.execute("SELECT count(*) FROM job_ticks")
        assert cursor.fetchone() == (TICKS + 4,)
        cursor.execute("VACUUM job_ticks")
        indexes.ensure(cursor.connection)
        yield migrated
        cursor.execute("TRUNCATE job_ticks")


@pytest.fixture
def instance(filled: dict[str, str], in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


def plan(environ: dict[str, str], instance: dg.DagsterInstance, ask: Ask, number: int) -> dict[str, Any]:
    """Returns Postgres' plan of the last statement that Dagster sends for a question."""
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        ask(instance.schedule_storage, f"origin_{number}", f"selector_{number}")
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    with asking(environ, "dagster", "dagster") as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sent[-1][0]}", sent[-1][1])
        ((explained,),) = cursor.fetchall()
    found: dict[str, Any] = explained[0]["Plan"]
    return found


def nodes(part: dict[str, Any]) -> Iterator[str]:
    yield part["Node Type"]
    for inner in part.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.parametrize("number", [BUSY, NEVER_FAILS, WEEKLY, NEW])
@pytest.mark.parametrize("question", QUESTIONS)
def test_tick_queries_read_few_blocks(filled: dict, instance: dg.DagsterInstance, question: str, number: int) -> None:
    """The limit must hold for one of ten busy sensors, and for a schedule that ticks once a week."""
    ask, blocks = QUESTIONS[question]
    found = plan(filled, instance, ask, number)
    assert "Seq Scan" not in set(nodes(found))
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < blocks, list(nodes(found))


def built(environ: dict[str, str]) -> dict[str, tuple[int, bool]]:
    """Returns the indexes of job_ticks by name, each with its object id and validity."""
    with asking(environ, "dagster", "dagster") as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, indexrelid, indisvalid FROM pg_index WHERE indrelid = 'job_ticks'::regclass"
        )
        return {name: (number, valid) for name, number, valid in cursor.fetchall()}


def test_migrate_keeps_existing_tick_indexes(migrated: dict) -> None:
    """A new build at each start would take time. `dagster instance migrate` does not know the indexes, and accepts them."""
    before = built(migrated)
    assert {name for name, on in indexes.INDEXES.items() if on.startswith("job_ticks ")} < set(before)
    migrate(migrated)
    assert built(migrated) == before


def test_ensure_rebuilds_an_index_whose_build_was_interrupted(migrated: dict) -> None:
    """Postgres leaves such an index invalid, and `IF NOT EXISTS` accepts it."""
    before = built(migrated)
    with asking(migrated, "postgres", "dagster") as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'job_ticks_newest'::regclass")
    with closing(connected(migrated, "dagster", "dagster")) as connection:
        indexes.ensure(connection)
    after = built(migrated)
    assert after["job_ticks_newest"][1]
    assert after["job_ticks_newest"] != before["job_ticks_newest"]
    assert after["job_ticks_state"] == before["job_ticks_state"]


def test_long_transaction_does_not_delay_the_start(
    migrated: dict, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start creates the index, and the message says so."""
    monkeypatch.setattr(indexes, "INDEXES", {"job_ticks_late": "job_ticks (type)"})
    holder = connected(migrated, "dagster", "dagster")
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE job_ticks IN ROW EXCLUSIVE MODE")
    late = connected(migrated, "dagster", "dagster")
    late.cursor().execute("SET lock_timeout = '100ms'")
    unless_somebody_is_in_the_way(indexes.ensure, late)
    assert capsys.readouterr().err == (
        "migrate: a long transaction is in the way of dagster_services.database.indexes: the next start makes it.\n"
    )
    holder.rollback()
    indexes.ensure(late)
    assert built(migrated)["job_ticks_late"][1]
    late.cursor().execute("DROP INDEX job_ticks_late")
    late.close()
    holder.close()


def test_grant_ignores_a_table_of_another_owner(migrated: dict) -> None:
    """Such a table must not stop the start. Runs cannot read it."""
    with asking(migrated, "postgres", "dagster") as superuser, asking(migrated, "dagster_run", "dagster") as run:
        superuser.execute("CREATE TABLE scratch AS SELECT 1 AS x")
        try:
            with closing(connected(migrated, "dagster", "dagster")) as connection:
                run_grants.grant(connection)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied for table scratch"):
                run.execute("SELECT * FROM scratch")
        finally:
            superuser.execute("DROP TABLE scratch")
