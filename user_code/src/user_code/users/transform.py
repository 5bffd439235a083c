"""Flattens user records into one table row each."""

from __future__ import annotations

from typing import Any

import pandas as pd

TEXT_COLUMNS = {
    "name": ("name",),
    "username": ("username",),
    "phone": ("phone",),
    "website": ("website",),
    "street": ("address", "street"),
    "suite": ("address", "suite"),
    "city": ("address", "city"),
    "zipcode": ("address", "zipcode"),
    "company": ("company", "name"),
    "catch_phrase": ("company", "catchPhrase"),
}
NUMBER_COLUMNS = {"latitude": ("address", "geo", "lat"), "longitude": ("address", "geo", "lng")}
COLUMNS = ("id", "name", "username", "email", "email_domain", *list(TEXT_COLUMNS)[2:], *NUMBER_COLUMNS)


class UserRecordError(Exception):
    """A record is complete, but not usable; the message names the record and its field."""


def transform_users(users: list[dict[str, Any]]) -> pd.DataFrame:
    """Returns one row per user, ordered by id, with the columns COLUMNS.

    `id` is int64; `latitude` and `longitude` are float64 in degrees; the rest is text. E-mail addresses are lower-cased,
    other texts stripped of surrounding white space. Every record must be complete (`users.fetch.parse_users`).

    Raises:
        UserRecordError: a latitude or longitude is not a number.
    """
    columns: dict[str, Any] = {"id": pd.array([user["id"] for user in users], dtype="int64")}
    for name, path in TEXT_COLUMNS.items():
        columns[name] = _texts(_at(user, path).strip() for user in users)
    columns["email"] = _texts(user["email"].strip().lower() for user in users)
    columns["email_domain"] = _texts(email.rpartition("@")[2] for email in columns["email"])
    for name, path in NUMBER_COLUMNS.items():
        columns[name] = pd.array([_number(user, path) for user in users], dtype="float64")
    frame = pd.DataFrame(columns, columns=list(COLUMNS))
    return frame.sort_values("id", ignore_index=True)


def _at(user: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = user
    for key in path:
        value = value[key]
    return str(value)


def _number(user: dict[str, Any], path: tuple[str, ...]) -> float:
    text = _at(user, path)
    try:
        return float(text)
    except ValueError as error:
        raise UserRecordError(
            f"The user with id {user['id']} has '{text}' in '{'.'.join(path)}', which is not a number."
        ) from error


def _texts(values: Any) -> Any:
    return pd.array(list(values), dtype="str")
