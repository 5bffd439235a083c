"""Postgres keeps what ops and assets return, with OUTPUT_STORE=postgres."""

from __future__ import annotations

import io
import os
from contextlib import closing
from pathlib import Path

import dagster as dg
import psycopg2
import pytest

from dagster_deployment.io_manager import DeploymentIOManager
from dagster_deployment.output_store import PART_BYTES, OutputStore
from dagster_services.database import output_store as tables
from tests.integration.databases import asking, connected
from tests.integration.outputs import environment, server, store
from tests.unit import kept_outputs

__all__ = ["environment", "server"]


@pytest.mark.parametrize("value", [b"", b"x", b"ab" * PART_BYTES, b"c" * (2 * PART_BYTES + 1)])
def test_store_returns_an_output_as_it_was_written(value: bytes) -> None:
    """A value may be larger than a part, and may end with one."""
    shop = store("shop")
    shop.replace("value", io.BytesIO(b"an older, longer value" * PART_BYTES))
    shop.replace("value", io.BytesIO(value))
    assert b"".join(shop.parts("value")) == value


def test_store_has_no_output_before_the_first_one() -> None:
    """An empty output is another matter."""
    assert list(store("shop").parts("nothing")) == []
    store("shop").replace("empty", io.BytesIO())
    assert list(store("shop").parts("empty")) == [b""]


def test_code_location_reaches_no_output_of_another_one() -> None:
    """An output is unpickled: whoever could write it would execute code in the other location."""
    shop, other = store("shop"), store("user_code")
    shop.replace("value", io.BytesIO(b"of the shop"))
    other.replace("value", io.BytesIO(b"of the other"))
    assert list(shop.parts("value")) == [b"of the shop"]
    with other.cursor() as cursor:
        cursor.execute("DELETE FROM outputs.part WHERE location = 'outputs_shop'")
        assert cursor.rowcount == 0
        cursor.execute("SELECT DISTINCT location FROM outputs.part")
        assert cursor.fetchall() == [("outputs_user_code",)]
    with (
        pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied for table part"),
        other.cursor() as cursor,
    ):
        cursor.execute("INSERT INTO outputs.part (key, location, at, data) VALUES ('value', 'outputs_shop', 0, 'mine')")
    assert list(shop.parts("value")) == [b"of the shop"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM runs",
        "ALTER TABLE outputs.part DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE x ()",
        # The first one that has written a log's name counts: user code must not write the time.
        "INSERT INTO outputs.part (key, at, data, written) VALUES ('log', 0, '', '1970-01-01')",
        "UPDATE outputs.part SET written = '1970-01-01'",
    ],
)
def test_role_of_outputs_has_no_other_right(statement: str) -> None:
    """Runs use `dagster_run` for Dagster's own tables."""
    with asking(os.environ, "dagster", "dagster") as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS runs ()")
    refused = (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidSchemaName)
    with pytest.raises(refused), store("shop").cursor() as cursor:
        cursor.execute(statement)


def test_transaction_that_a_run_leaves_open_does_not_block_the_next_start() -> None:
    """`migrate` runs at each start, and the webserver waits for it."""
    with store("shop").cursor() as cursor, closing(connected(os.environ, "dagster", "dagster")) as connection:
        cursor.execute("SELECT 1 FROM outputs.part")
        with connection.cursor() as other:
            other.execute("SET lock_timeout = '2s'")
        tables.ensure(connection)


def test_volumes_keep_outputs_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """One host needs no store."""
    monkeypatch.delenv("OUTPUT_STORE")
    assert OutputStore.from_environment(os.environ) is None


def test_ops_pass_values_through_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that fails on one host goes on from its failure on another, which has no file of it."""
    monkeypatch.setenv("CODE_LOCATION", "shop")
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        resources = {"io_manager": DeploymentIOManager(tmp_path / "outputs", tmp_path / "earlier", store("shop"))}
        config = {"ops": {"added": {"config": {"fails": False}}}}
        done = kept_outputs.job("fan_out").execute_in_process(instance=instance, run_config=config, resources=resources)
        assert done.output_for_node("added") == 6
    assert not (tmp_path / "outputs").exists()


def test_values_on_volumes_are_read_after_a_change_to_the_store(tmp_path: Path) -> None:
    """An operator sets OUTPUT_STORE=postgres on a deployment that has values."""
    before = DeploymentIOManager(tmp_path / "outputs", tmp_path / "earlier")
    after = DeploymentIOManager(tmp_path / "outputs", tmp_path / "earlier", store("shop"))
    key = dg.AssetKey(["changed"])
    before.handle_output(dg.build_output_context(asset_key=key), "old")
    assert after.load_input(dg.build_input_context(asset_key=key)) == "old"
    after.handle_output(dg.build_output_context(asset_key=key), "new")
    assert after.load_input(dg.build_input_context(asset_key=key)) == "new"
