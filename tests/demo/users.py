"""Tests create records of the demo's users."""

from __future__ import annotations

from typing import Any


def make_user(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Returns a complete record of a user."""
    return {
        "id": number,
        "name": f" User {number} ",
        "username": f"user{number}",
        "email": f"User{number}@Example.COM",
        "address": {
            "street": "Lake Road", "suite": "Suite 1", "city": "Lyon", "zipcode": "69001",
            "geo": {"lat": "45.75", "lng": "4.85"},
        },
        "phone": "+00 1",
        "website": "user.example",
        "company": {"name": "Acorn", "catchPhrase": "Nothing lost", "bs": "queue"},
    } | changes  # fmt: skip
