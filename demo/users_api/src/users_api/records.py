"""Makes users and posts from numbers: an id and edition give the same record, however many records there are."""

from __future__ import annotations

import random
from typing import Any

POSTS_PER_USER = 10
FIRST = ("Ada", "Björn", "Chiara", "Dmitri", "Élise", "Farid", "Grace", "Hiro", "Inés", "Jonas", "Kofi", "Linnea")
LAST = ("Almeida", "Brandt", "Castro", "Dubois", "Eriksen", "Fujita", "García", "Hopper", "Ivanova", "Jansen", "Kovač")
CITIES = ("Zürich", "Porto", "Kraków", "Lyon", "Gent", "Turku", "Graz", "Sevilla", "Aarhus", "Brno")
STREETS = ("Lake Road", "Mill Lane", "Station Street", "Market Square", "Hill Side")
COMPANIES = ("Northwind", "Blue Harbour", "Acorn & Sons", "Lumen", "Cobalt", "Fairweather", "Tern")
PHRASES = ("Reliable by design", "Every day, on time", "Small parts, large wholes", "Nothing lost")
DOMAINS = ("example.com", "example.org", "example.net", "mail.example")
WORDS = ("queue", "tide", "ledger", "orchard", "signal", "harbour", "copper", "window", "garden", "engine")


def make_user(number: int, edition: int) -> dict[str, Any]:
    """User `number`, counted from 1. A later `edition` moves every user to another suite and changes nothing else."""
    chance = random.Random(number)  # noqa: S311 - for variety, not for secrecy
    first, last, company = chance.choice(FIRST), chance.choice(LAST), chance.choice(COMPANIES)
    return {
        "id": number,
        "name": f"{first} {last}",
        "username": f"{first}.{number}",
        "email": f"{_ascii(first)}.{_ascii(last)}.{number}@{chance.choice(DOMAINS)}",
        "address": {
            "street": chance.choice(STREETS),
            "suite": f"Suite {number % 900 + edition}",
            "city": chance.choice(CITIES),
            "zipcode": f"{chance.randrange(10_000, 99_999)}",
            "geo": {"lat": f"{chance.uniform(-90, 90):.4f}", "lng": f"{chance.uniform(-180, 180):.4f}"},
        },
        "phone": f"+00 {chance.randrange(1_000_000, 9_999_999)}",
        "website": f"{_ascii(last).lower()}-{number}.example",
        "company": {"name": company, "catchPhrase": chance.choice(PHRASES), "bs": chance.choice(WORDS)},
    }


def make_posts(user: int) -> list[dict[str, Any]]:
    """The posts of one user, numbered across all users as in the original."""
    first = (user - 1) * POSTS_PER_USER + 1
    return [_make_post(number, user) for number in range(first, first + POSTS_PER_USER)]


def _make_post(number: int, user: int) -> dict[str, Any]:
    chance = random.Random(-number)  # noqa: S311 - for variety, not for secrecy
    words = chance.sample(WORDS, 6)
    return {"userId": user, "id": number, "title": " ".join(words[:3]), "body": " ".join(words)}


def _ascii(name: str) -> str:
    return name.encode("ascii", "ignore").decode()
