"""Keeps tables and JSON documents in Postgres. One transaction replaces each, so a reader never sees half of one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.pool import NullPool

from user_code.postgres_copy import COPY_CHUNK_ROWS, copy, copy_chunk
from user_code.tables import Rows, Table, WarehouseError

Json = dict[str, Any] | list[Any]


@dataclass(frozen=True)
class Warehouse:
    """A Postgres database.

    libpq finds the password in the file that PGPASSFILE names, so that it is in no environment or command line.
    """

    host: str
    port: int
    database: str
    user: str

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Yields a connection; commits at the end, rolls back on an exception."""
        with _engine(self).begin() as connection:
            yield connection

    def replace_frame(self, table: Table, frame: pd.DataFrame) -> None:
        """Makes `table` hold exactly the columns and rows of `frame`, without its index."""

        def fill(connection: sa.Connection, staging: str) -> None:
            frame.to_sql(staging, connection, schema=table.schema, index=False, method=copy_chunk, chunksize=COPY_CHUNK_ROWS)

        self._replace(table, fill)

    def replace_json(self, table: Table, document: Json) -> None:
        """Makes `table` hold exactly `document`: a list as one row per element, an object as one row without a position."""

        def fill(connection: sa.Connection, staging: str) -> None:
            rows = _json_table(table.schema, staging)
            rows.create(connection)
            copy(connection, rows, _json_rows(document))

        self._replace(table, fill)

    def replace_rows(self, table: Table, frame: pd.DataFrame, rows: Rows) -> None:
        """Replaces the rows `rows` of `table` with `frame`; its other rows stay. A missing table is created."""
        self._ensure_schema(table.schema)
        with self.transaction() as connection:
            _take_turns(connection, str(table))
            frame.head(0).to_sql(table.name, connection, schema=table.schema, index=False, if_exists="append")
            column = sa.cast(sa.column(rows.column), sa.Text)
            connection.execute(sa.delete(_named(table)).where(column.in_(rows.keys)))
            frame.to_sql(
                table.name,
                connection,
                schema=table.schema,
                index=False,
                if_exists="append",
                method=copy_chunk,
                chunksize=COPY_CHUNK_ROWS,
            )

    def move(self, tables: Sequence[Table], schema: str) -> list[Table]:
        """Moves all of `tables` to another schema, or none; a missing schema is created. Returns their new names.

        Raises:
            WarehouseError: one of them does not exist.
        """
        self._ensure_schema(schema)
        with self.transaction() as connection:
            quote = connection.dialect.identifier_preparer.quote
            for table in tables:
                _require(connection, table)
                connection.execute(sa.text(f"ALTER TABLE {quote(table.schema)}.{quote(table.name)} SET SCHEMA {quote(schema)}"))
        return [Table(schema, table.name) for table in tables]

    def read_frame(self, table: Table) -> pd.DataFrame:
        """Reads what `replace_frame` wrote, in the same order.

        Raises:
            WarehouseError: there is no such table.
        """
        with self._reading(table) as connection:
            frame = pd.read_sql_query(sa.select(sa.text("*")).select_from(_named(table)), connection)
        # pandas cannot tell that a column of only nulls holds text.
        return frame.astype({name: "str" for name in frame if frame[name].isna().all() and frame[name].dtype == object})

    def read_json(self, table: Table) -> Json:
        """Reads what `replace_json` wrote.

        Raises:
            WarehouseError: there is no such table.
        """
        with self._reading(table) as connection:
            rows = _json_table(table.schema, table.name)
            found = connection.execute(sa.select(rows.c.position, rows.c.document).order_by(rows.c.position)).all()
        if len(found) == 1 and found[0].position is None:
            return found[0].document  # type: ignore[no-any-return]
        return [row.document for row in found]

    def count(self, table: Table) -> int:
        """The number of rows in `table`.

        Raises:
            WarehouseError: there is no such table.
        """
        with self._reading(table) as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_named(table))).scalar_one())

    @contextmanager
    def _reading(self, table: Table) -> Iterator[sa.Connection]:
        with self.transaction() as connection:
            _require(connection, table)
            yield connection

    def _replace(self, table: Table, fill: Callable[[sa.Connection, str], None]) -> None:
        # A short name: Postgres would cut the random part off a long one.
        staging = f"__{secrets.token_hex(8)}"
        self._ensure_schema(table.schema)
        with self.transaction() as connection:
            quote = connection.dialect.identifier_preparer.quote
            schema, new, name = quote(table.schema), quote(staging), quote(table.name)
            fill(connection, staging)
            _take_turns(connection, str(table))
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {schema}.{name}"))
            connection.execute(sa.text(f"ALTER TABLE {schema}.{new} RENAME TO {name}"))

    def _ensure_schema(self, schema: str) -> None:
        with self.transaction() as connection:
            name = connection.dialect.identifier_preparer.quote(schema)
            if connection.scalar(sa.select(sa.func.to_regnamespace(name))) is None:
                _take_turns(connection, schema)
                connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))


def _take_turns(connection: sa.Connection, name: str) -> None:
    """Serialises creators of a name until the transaction ends. Otherwise two could find it missing, and one would fail."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))


@cache
def _engine(warehouse: Warehouse) -> sa.Engine:
    """One per process, because a new one sends the server five queries. It has no pool, so nothing is held between steps."""
    url = sa.URL.create("postgresql+psycopg2", warehouse.user, None, warehouse.host, warehouse.port, warehouse.database)
    connect_args = {"connect_timeout": 10, "application_name": "user_code"}
    return sa.create_engine(url, poolclass=NullPool, connect_args=connect_args)


def _require(connection: sa.Connection, table: Table) -> None:
    name = connection.dialect.identifier_preparer.format_table(_named(table))
    if connection.scalar(sa.select(sa.func.to_regclass(name))) is None:
        raise WarehouseError(f"The warehouse has no table {table}: materialize it first.")


def _named(table: Table) -> sa.TableClause:
    return sa.table(table.name, schema=table.schema)


def _json_table(schema: str, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), sa.Column("position", sa.BigInteger), sa.Column("document", JSONB), schema=schema)


def _json_rows(document: Json) -> Iterator[tuple[int | None, str]]:
    if isinstance(document, list):
        return ((position, json.dumps(element)) for position, element in enumerate(document))
    return iter([(None, json.dumps(document))])
