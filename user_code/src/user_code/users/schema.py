"""The schema of a table of users. Validation is strict: a missing or additional column is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pandas as pd

from user_code.users.transform import COLUMNS, NUMBER_COLUMNS

LATITUDE_DEGREES = (-90.0, 90.0)
LONGITUDE_DEGREES = (-180.0, 180.0)


class UsersTableError(Exception):
    """A table of users breaks the schema; the message names the column, the rule and the first invalid value."""


def validate_users(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns `frame` unchanged.

    Raises:
        UsersTableError: a column is missing, unexpected, of another type, or holds a value out of range.
    """
    # Imported here: it takes a third of a second, and only the transform needs it.
    from pandera.errors import SchemaError, SchemaErrors  # noqa: PLC0415

    try:
        return cast("pd.DataFrame", _schema().validate(frame))
    except (SchemaError, SchemaErrors) as error:
        raise UsersTableError(f"The table of users is not valid: {error}.") from error


def _schema() -> Any:
    import pandera.pandas as pa  # noqa: PLC0415

    columns = {name: pa.Column(str) for name in COLUMNS}
    columns["id"] = pa.Column("int64", pa.Check.ge(1), unique=True)
    columns["email"] = pa.Column(str, pa.Check.str_matches(r"^[^@\s]+@[^@\s]+$"))
    for name, (low, high) in zip(NUMBER_COLUMNS, (LATITUDE_DEGREES, LONGITUDE_DEGREES), strict=True):
        columns[name] = pa.Column("float64", pa.Check.in_range(low, high))
    return pa.DataFrameSchema(columns, strict=True, ordered=True)
