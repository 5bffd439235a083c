"""The transform keeps every user, and changes only the form of the values."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.users import make_user
from user_code.users.schema import UsersTableError, validate_users
from user_code.users.transform import COLUMNS, transform_users

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
degrees = st.floats(-90, 90)


@st.composite
def users(draw: st.DrawFn) -> list[dict]:
    numbers = draw(st.lists(st.integers(1, 2**40), unique=True, max_size=8))
    return [
        make_user(number, name=draw(texts), phone=draw(texts), email=f"{draw(st.integers(0, 9))}@Example.ORG")
        | {"address": make_user()["address"] | {"city": draw(texts), "geo": {"lat": str(draw(degrees)), "lng": "0"}}}
        for number in numbers
    ]


def test_transform_makes_one_flat_row_of_a_user() -> None:
    """Readers of the table expect stripped texts, lower-case addresses, and numbers for coordinates."""
    row = transform_users([make_user(1)]).iloc[0].to_dict()
    assert row == {
        "id": 1, "name": "User 1", "username": "user1", "email": "user1@example.com", "email_domain": "example.com",
        "phone": "+00 1", "website": "user.example", "street": "Lake Road", "suite": "Suite 1", "city": "Lyon",
        "zipcode": "69001", "company": "Acorn", "catch_phrase": "Nothing lost", "latitude": 45.75, "longitude": 4.85,
    }  # fmt: skip


@given(users())
def test_transform_keeps_every_user_in_the_order_of_ids_with_the_same_types(given_users: list[dict]) -> None:
    """No text may lose a user, and an empty table needs the same types."""
    frame = validate_users(transform_users(given_users))
    by_id = sorted(given_users, key=lambda user: user["id"])
    assert frame["id"].tolist() == [user["id"] for user in by_id]
    assert frame["city"].tolist() == [user["address"]["city"].strip() for user in by_id]
    assert frame["latitude"].tolist() == [float(user["address"]["geo"]["lat"]) for user in by_id]
    assert tuple(frame.columns) == COLUMNS
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        name: {"id": "int64", "latitude": "float64", "longitude": "float64"}.get(name, "str") for name in COLUMNS
    }


@given(users())
def test_transform_gives_the_same_table_for_any_order_of_users(given_users: list[dict]) -> None:
    """The data version of downstream assets depends on the table."""
    pd.testing.assert_frame_equal(transform_users(given_users), transform_users(list(reversed(given_users))))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("latitude", 90.5, "latitude.*in_range"),
        ("email", "nobody", "email.*str_matches"),
        ("id", 0, "id.*greater_than_or_equal_to"),
    ],
)
def test_validate_users_names_column_and_rule_of_a_wrong_value(column: str, value: object, said: str) -> None:
    """The source may send these values, but no reader of the table expects them."""
    frame = transform_users([make_user(1)])
    frame.loc[0, column] = value
    with pytest.raises(UsersTableError, match=f"(?s){said}"):
        validate_users(frame)


def test_validate_users_rejects_a_missing_and_an_unexpected_column() -> None:
    """Readers of the table rely on exactly these columns."""
    frame = transform_users([make_user(1)])
    with pytest.raises(UsersTableError, match="city"):
        validate_users(frame.drop(columns="city"))
    with pytest.raises(UsersTableError, match="extra"):
        validate_users(frame.assign(extra=1))
