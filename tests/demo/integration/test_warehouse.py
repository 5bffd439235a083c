"""Postgres returns tables and documents as they were written. A reader never sees half of one."""

from __future__ import annotations

import threading

import dagster as dg
import pandas as pd
import psycopg2
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from user_code.defs.io_managers import asset_table
from user_code.postgres_copy import COPY_CHUNK_ROWS
from user_code.tables import Table, WarehouseError
from user_code.warehouse import Warehouse

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
many = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
TABLE = Table("tests", "things")


@pytest.fixture
def warehouse(in_environment: dict[str, str]) -> Warehouse:
    return Warehouse("127.0.0.1", int(in_environment["WAREHOUSE_PORT"]), "warehouse", "warehouse")


@many
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), texts, st.booleans()), max_size=6))
def test_warehouse_returns_a_table_as_it_was_written(warehouse: Warehouse, rows: list[tuple]) -> None:
    """Tables hold any text with tabs, quotes or backslashes, the largest and smallest numbers, or no rows."""
    frame = pd.DataFrame(rows, columns=["number", "amount", "text", "flag"])
    frame = frame.astype({"number": "int64", "amount": "float64", "text": "str", "flag": "bool"})
    warehouse.replace_frame(TABLE, frame)
    pd.testing.assert_frame_equal(warehouse.read_frame(TABLE), frame, check_dtype=bool(rows))
    assert warehouse.count(TABLE) == len(rows)


def test_warehouse_keeps_nulls_and_time_zones(warehouse: Warehouse) -> None:
    """A null is not an empty text, and a time without its zone would be another time."""
    frame = pd.DataFrame({"text": ["", None, "\\N"], "time": pd.to_datetime(["2026-03-02T12:00:00.123456Z"] * 3)})
    warehouse.replace_frame(TABLE, frame)
    read = warehouse.read_frame(TABLE)
    assert [None if pd.isna(text) else text for text in read["text"]] == ["", None, "\\N"]
    assert [time.isoformat() for time in read["time"]] == ["2026-03-02T12:00:00.123456+00:00"] * 3


@many
@given(st.lists(json_values, max_size=4) | st.dictionaries(texts, json_values, max_size=4))
def test_warehouse_returns_a_document_as_it_was_written(warehouse: Warehouse, document: list | dict) -> None:
    """A list must keep its order, and a list of one object must not become an object."""
    if "\\u0000" in repr(document):
        return
    warehouse.replace_json(TABLE, document)
    assert warehouse.read_json(TABLE) == document


def test_warehouse_writes_more_rows_than_one_copy_takes(warehouse: Warehouse) -> None:
    """The rows must stay in order, and no row may be lost between two chunks."""
    count = COPY_CHUNK_ROWS * 2 + 1
    warehouse.replace_frame(TABLE, pd.DataFrame({"number": range(count)}))
    assert warehouse.read_frame(TABLE)["number"].tolist() == list(range(count))


def test_assets_with_similar_names_have_separate_tables(warehouse: Warehouse) -> None:
    """Postgres cuts names after 63 bytes, so two assets with the same beginning once shared a table."""
    keys = [["k", "b"], ["k__b"], ["x" * 80 + "1"], ["x" * 80 + "2"]]
    tables = [asset_table(dg.AssetKey(key)) for key in keys]
    for number, table in enumerate(tables[:2]):
        warehouse.replace_json(table, [number])
    for number, table in enumerate(tables[2:]):
        warehouse.replace_frame(table, pd.DataFrame({"number": [number]}))
    assert [warehouse.read_json(table) for table in tables[:2]] == [[0], [1]]
    assert [warehouse.read_frame(table)["number"].tolist() for table in tables[2:]] == [[0], [1]]


def test_failed_write_keeps_the_old_table_and_leaves_no_other_table(warehouse: Warehouse) -> None:
    """Readers keep the old data. The new table fails in its second row."""
    warehouse.replace_frame(TABLE, pd.DataFrame({"number": [1]}))
    with pytest.raises(psycopg2.DataError):
        warehouse.replace_frame(TABLE, pd.DataFrame({"text": ["fine", "a\x00b"]}))
    assert warehouse.read_frame(TABLE)["number"].tolist() == [1]
    with warehouse.transaction() as connection:
        assert sa.inspect(connection).get_table_names(schema="tests") == ["things"]


def test_reader_sees_the_old_table_or_the_new_one(warehouse: Warehouse) -> None:
    """A reader must never see a missing or half table while a run replaces it."""
    sizes = (5, 2000)
    warehouse.replace_frame(TABLE, pd.DataFrame({"number": range(sizes[0])}))
    done, written = threading.Event(), []

    def write() -> None:
        try:
            for turn in range(20):
                warehouse.replace_frame(TABLE, pd.DataFrame({"number": range(sizes[turn % 2])}))
            written.append(True)
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(warehouse.count(TABLE))
    writer.join()
    assert written == [True]
    assert seen <= set(sizes)


def test_two_writers_of_a_table_both_succeed(warehouse: Warehouse) -> None:
    """Two runs may end together. The table of one of them remains."""
    failures = []

    def write(size: int) -> None:
        try:
            for _ in range(10):
                warehouse.replace_frame(TABLE, pd.DataFrame({"number": range(size)}))
        except sa.exc.SQLAlchemyError as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(size,)) for size in (3, 4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert warehouse.count(TABLE) in (3, 4)


def test_first_writers_of_a_schema_all_succeed(warehouse: Warehouse) -> None:
    """At the first start, a sensor's run and a user's run write to a schema that does not exist yet."""
    failures: list[Exception] = []

    def write(table: Table, gate: threading.Barrier) -> None:
        gate.wait(10)
        try:
            warehouse.replace_json(table, {"a": 1})
        except sa.exc.SQLAlchemyError as error:
            failures.append(error)

    for attempt in range(10):
        gate = threading.Barrier(6)
        threads = [threading.Thread(target=write, args=(Table(f"new_{attempt}", f"t{n % 2}"), gate)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_warehouse_names_a_missing_table_and_the_remedy(warehouse: Warehouse) -> None:
    """The user must know which asset to materialize first."""
    with pytest.raises(WarehouseError, match=r"The warehouse has no table tests\.none: materialize it first"):
        warehouse.read_frame(Table("tests", "none"))
