"""The daemon does little where nothing happens: it keeps connections, definitions, and what it knows of the schema."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage
from sqlalchemy import event, text

from dagster_api.waiting import seen, wait_for
from dagster_deployment.known_schema import METHODS, QUESTIONS, remembered
from dagster_services.daemon.unchanged_code import REFRESH
from dagster_services.database import kept_connections
from dev.processes import process
from operate.compose import free_port

CODE = "import dagster as dg\n\n@dg.asset\ndef {name}(): ...\n\ndefs = dg.Definitions(assets=[{name}])\n"


@pytest.fixture
def instance(migrated: dict[str, str], in_environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    """Yields the instance of the services."""
    with dg.DagsterInstance.get() as found:
        yield found


def url(environ: dict[str, str]) -> str:
    """Returns the address of Dagster's database."""
    return f"postgresql://dagster:local@127.0.0.1:{environ['DAGSTER_POSTGRES_PORT']}/dagster"


@contextmanager
def code_server(folder: Path, port: int, name: str) -> Iterator[None]:
    """Starts a code server with one asset, and waits until it answers."""
    (folder / "shop.py").write_text(CODE.format(name=name))
    command = [sys.executable, "-m", "dagster", "api", "grpc", "--host", "127.0.0.1", "--port", str(port), "-f", "shop.py"]
    with process(command, folder / "log", cwd=folder):
        target = GrpcServerTarget(host="127.0.0.1", port=port, socket=None, location_name="x").create_origins()[0]
        wait_for("the code server", lambda: seen(_answers(target), (folder / "log").read_text()), seconds=60)
        yield


def _answers(origin) -> bool:
    try:
        return bool(origin.create_client().get_server_id())
    except dg.DagsterError:
        return False


def assets(context: WorkspaceProcessContext) -> set[str]:
    """Returns the assets of the location, as the daemon knows them."""
    return {key.to_user_string() for key in context.create_request_context().asset_graph.get_all_asset_keys()}


def test_definitions_are_loaded_again_only_from_another_server(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The daemon must know new code within a minute, also if it missed the change."""
    port = free_port()
    target = GrpcServerTarget(host="127.0.0.1", port=port, socket=None, location_name="x")
    with code_server(tmp_path, port, "milk"), WorkspaceProcessContext(instance, target) as context:
        before = context.get_current_workspace()
        REFRESH(context)
        assert context.get_current_workspace() is before
        assert assets(context) == {"milk"}
    with pytest.warns(UserWarning, match="Error loading repository location x"):
        context = WorkspaceProcessContext(instance, target)
    with context, code_server(tmp_path, port, "cheese"):
        REFRESH(context)
        assert assets(context) == {"cheese"}


def test_schema_is_asked_for_until_the_answer_is_yes(instance: dg.DagsterInstance) -> None:
    """A migration adds columns while other processes run. None is ever removed."""
    answers = iter([False, True])
    asked = []

    def has_column(_: object, name: str, connection: object) -> bool:
        asked.append((name, connection))
        return next(answers)

    question, storage = remembered(has_column), instance.run_storage
    assert [question(storage, "a", 1), question(storage, "a", 2), question(storage, "a", 3)] == [False, True, True]
    assert asked == [("a", 1), ("a", 2)]


def test_every_question_has_the_answer_of_dagster(instance: dg.DagsterInstance) -> None:
    """A new release may change what a question takes. All are true after a migration."""
    storages = (instance.run_storage, instance.schedule_storage, instance.event_log_storage)
    with instance.run_storage.connect() as connection:
        arguments = {
            "has_built_index": ("schedule_jobs_selector_id",),
            "has_table": ("event_logs",),
            "has_asset_key_col": ("last_materialization_timestamp",),
            "_has_asset_key_col_on_connection": (connection, "last_materialization_timestamp"),
            "_has_instigators_table": (connection,),
            "_has_asset_daemon_asset_evaluations_table": (connection,),
        }
        for owner, name in QUESTIONS:
            storage = next(each for each in storages if isinstance(each, owner))
            assert getattr(storage, name)(*arguments.get(name, ())) is True, name
    assert sum(map(len, METHODS.values())) == len(QUESTIONS)


def test_kept_connection_that_broke_is_replaced(environment: dict[str, str], migrated: dict[str, str]) -> None:
    """After a restart of Postgres, the first query of each kept connection failed, however much later."""
    engine, opened = kept_connections.create_engine(url(environment)), []
    event.listen(engine, "connect", lambda *_: opened.append(1))
    for _ in range(3):
        with engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    assert len(opened) == 1
    settings = {"host": "127.0.0.1", "port": environment["DAGSTER_POSTGRES_PORT"], "user": "postgres", "password": "local"}
    with closing(psycopg2.connect(**settings, dbname="dagster")) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
        assert cursor.fetchone() == (True,)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    assert len(opened) == 2
    engine.dispose()


@pytest.mark.parametrize("kind", [PostgresEventLogStorage, PostgresRunStorage])
def test_storages_of_services_keep_connections(
    kind: type, environment: dict[str, str], migrated: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each storage has its own name for the function, so each needs a replacement."""
    for storage in kept_connections.STORAGES:
        monkeypatch.setattr(storage, "create_pg_engine", kept_connections.create_engine)
    storage = kind(url(environment), should_autocreate_tables=False)
    assert storage._engine.pool.size() == kept_connections.KEPT
    storage.optimize_for_webserver(statement_timeout=1000, pool_recycle=60, max_overflow=20)
    assert (storage._engine.pool._pre_ping, storage._engine.pool.size()) == (True, 1)
