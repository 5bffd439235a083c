"""Each asset has its own table in the warehouse."""

from __future__ import annotations

import dagster as dg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from user_code.defs.io_managers import asset_table
from user_code.tables import Table

pieces = st.sampled_from(["a", "A", "_", "__", "#", ".", "/", "é", "x" * 40])
keys = st.lists(st.lists(pieces, min_size=1, max_size=3).map("".join), min_size=1, max_size=3).map(tuple)


@given(keys, keys)
@example(("a", "b"), ("a__b",))
@example(("a_", "b"), ("a", "_b"))
@example(("x" * 63 + "1",), ("x" * 63 + "2",))
@example(("é" * 40 + "1",), ("é" * 40 + "2",))
def test_two_assets_never_share_a_table(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """One asset would overwrite the other. Postgres cuts a name after 63 bytes, so no name may be longer."""
    tables = [asset_table(dg.AssetKey(key)) for key in (one, other)]
    assert (tables[0] == tables[1]) == (one == other)
    assert max(len(table.name.encode()) for table in tables) <= 63


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (["raw_user_data"], "raw_user_data"),
        (["users", "raw"], "users__raw"),
        (["x" * 63], "x" * 63),
        (["a__b"], "a__b#cdb212401b38dcb9acdaea420677db81"),
    ],
)
def test_asset_table_has_a_readable_name_for_a_usual_key(key: list[str], name: str) -> None:
    """Existing tables must keep their names, because an asset would not find its data under another name."""
    assert asset_table(dg.AssetKey(key)) == Table("assets", name)
