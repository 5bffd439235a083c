"""Names of the warehouse's tables, and of rows in one."""

from __future__ import annotations

from dataclasses import dataclass


class WarehouseError(Exception):
    """A table is not in the warehouse; the message names it."""


@dataclass(frozen=True)
class Table:
    """A table of a schema."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @classmethod
    def named(cls, text: str) -> Table:
        """The table that `text` names, as schema.table.

        Raises:
            WarehouseError: the text is not such a name.
        """
        schema, dot, name = text.partition(".")
        if not (schema and dot and name):
            raise WarehouseError(f"'{text}' does not name a table: write schema.table.")
        return cls(schema, name)


@dataclass(frozen=True)
class Rows:
    """The rows of a table with a `column` that, as text, is one of `keys`."""

    column: str
    keys: tuple[str, ...]
