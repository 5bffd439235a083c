"""Runs of every kind succeed with the database role of runs. The role cannot choose an id or change others' data."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from dagster_services.database import run_grants
from tests.integration.databases import answers, asking

COLOURS = dg.DynamicPartitionsDefinition(name="colours")
POOL = "oven"


@dg.asset(pool=POOL, check_specs=[dg.AssetCheckSpec("is_warm", asset="dough")])
def dough(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetObservation]:
    """Observes, materializes, checks, adds and deletes partitions, tags its run, and reports an event of another asset."""
    context.instance.add_dynamic_partitions("colours", ["red", "blue"])
    context.instance.delete_dynamic_partition("colours", "blue")
    context.instance.add_run_tags(context.run.run_id, {"found": "red"})
    context.instance.add_run_tags(context.run.run_id, {"found": "red and more"})
    context.instance.report_runless_asset_event(dg.AssetMaterialization("flour", tags={"dagster/data_version": "2"}))
    yield dg.AssetObservation("dough", tags={"seen": "yes"})
    yield dg.MaterializeResult(
        metadata={"grams": 500},
        tags={"kind": "rye"},
        check_results=[dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)],
    )


@dg.asset(partitions_def=COLOURS, deps=[dough])
def cake(context: dg.AssetExecutionContext) -> str:
    """Has one partition for each colour."""
    return context.partition_key


@dg.asset_check(asset=dough, blocking=True)
def is_not_old() -> dg.AssetCheckResult:
    """Passes without reading the asset."""
    return dg.AssetCheckResult(passed=True, metadata={"days": 1})


@dg.op(pool=POOL, retry_policy=dg.RetryPolicy(max_retries=1), out=dg.DynamicOut())
def slices(context: dg.OpExecutionContext) -> Iterator[dg.DynamicOutput[int]]:
    """Fails at the first attempt, and yields two outputs at the second."""
    if context.retry_number == 0:
        raise RuntimeError("too hot")
    yield from (dg.DynamicOutput(number, mapping_key=str(number)) for number in (1, 2))


@dg.op
def eat(context: dg.OpExecutionContext, number: int) -> None:
    """Logs the number of a slice."""
    context.log.info("slice %s", number)


@dg.job(
    executor_def=dg.in_process_executor, hooks={dg.HookDefinition(name="note", hook_fn=lambda *_: dg.HookExecutionResult("note"))}
)
def meal() -> None:
    """Has retries, dynamic outputs, a pool and a hook."""
    slices().map(eat)


@dg.op
def burn() -> None:
    """Raises an error."""
    raise RuntimeError("burnt")


@dg.job(executor_def=dg.in_process_executor)
def disaster() -> None:
    """Runs the op that raises an error."""
    burn()


DEFS = dg.Definitions(
    assets=[dough, cake],
    asset_checks=[is_not_old],
    jobs=[
        meal,
        disaster,
        dg.define_asset_job("bake", [dough], executor_def=dg.in_process_executor),
        dg.define_asset_job("colour", [cake], executor_def=dg.in_process_executor),
    ],
)
RUNS = {"bake": "SUCCESS", "colour": "SUCCESS", "meal": "SUCCESS", "disaster": "FAILURE"}


@pytest.fixture
def owner(migrated: dict[str, str], in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Yields the instance of webserver and daemon, which create runs and pools."""
    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.set_concurrency_slots(POOL, 1)
        yield instance


@pytest.fixture
def as_a_run(owner: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Yields the instance of a run's container."""
    monkeypatch.setenv("DAGSTER_POSTGRES_USER", "dagster_run")
    with dg.DagsterInstance.get() as instance:
        with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
            assert connection.exec_driver_sql("SELECT current_user").scalar() == "dagster_run"
        yield instance


def executed(owner: dg.DagsterInstance, as_a_run: dg.DagsterInstance, name: str) -> dg.DagsterRun:
    """Returns a run that the owner has created and the role of runs has executed."""
    job = DEFS.resolve_job_def(name)
    tags = {"dagster/partition": "red"} if name == "colour" else {}
    made = owner.create_run_for_job(job, tags=tags, asset_selection=None)
    execute_run(InMemoryJob(job), made, as_a_run, raise_on_error=False)
    ended = owner.get_run_by_id(made.run_id)
    assert ended
    return ended


def test_run_role_can_report_every_kind_of_event(owner: dg.DagsterInstance, as_a_run: dg.DagsterInstance) -> None:
    """A missing right would fail runs that use partitions, checks, pools, retries, dynamic outputs, hooks or tags."""
    ended = {name: executed(owner, as_a_run, name) for name in RUNS}
    assert {name: run.status.value for name, run in ended.items()} == RUNS
    assert ended["bake"].tags["found"] == "red and more"
    assert owner.get_dynamic_partitions("colours") == ["red"]
    assert owner.get_materialized_partitions(dg.AssetKey("cake")) == {"red"}
    assert owner.get_latest_materialization_event(dg.AssetKey("flour"))
    checks = [dg.AssetCheckKey(dg.AssetKey("dough"), name) for name in ("is_warm", "is_not_old")]
    results = owner.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert {key.name: record.status.value for key, record in results.items()} == {"is_warm": "FAILED", "is_not_old": "SUCCEEDED"}
    pool = owner.event_log_storage.get_concurrency_info(POOL)
    assert (pool.slot_count, pool.active_slot_count, pool.pending_step_count) == (1, 0, 0)
    restarted = [
        event.step_key
        for event in owner.all_logs(ended["meal"].run_id)
        if event.is_dagster_event and event.dagster_event_type == dg.DagsterEventType.STEP_RESTARTED
    ]
    assert restarted == ["slices"]


WRITTEN = [write.table for write in run_grants.WRITES if write.inserts]


@pytest.mark.parametrize("table", WRITTEN)
def test_run_role_cannot_choose_an_id(migrated: dict, table: str) -> None:
    """An id ahead of the sequence would block every run, or move the daemon's cursors to the end."""
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute("SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = 'id'", (table,))
        assert cursor.fetchall() == [("bigint",)]
        denied = [
            f"INSERT INTO {table} (id) VALUES (9000000000000000000)",
            f"UPDATE {table} SET id = 1",
            f"SELECT setval('{table}_id_seq', 1)",
        ]
        assert answers(cursor, *denied) == ["42501"] * 3
        assert answers(cursor, f"SELECT nextval('{table}_id_seq')") == ["done"]


def test_run_role_writes_only_to_the_listed_tables(migrated: dict) -> None:
    """The catalogue of Postgres lists every table, so the test covers tables of a later Dagster too."""
    with asking(migrated, "dagster_run", "dagster") as cursor:
        cursor.execute(
            "SELECT relname::text, has_any_column_privilege(oid, 'INSERT, UPDATE'),"
            " has_table_privilege(oid, 'DELETE, TRUNCATE, REFERENCES, TRIGGER')"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        rights = {name: (writes, deletes) for name, writes, deletes in cursor.fetchall()}
    assert {name for name, (writes, _) in rights.items() if writes} == {write.table for write in run_grants.WRITES}
    assert {name for name, (_, deletes) in rights.items() if deletes} == {
        "dynamic_partitions",
        "concurrency_slots",
        "pending_steps",
    }
    assert len(rights) > len(run_grants.WRITES)
