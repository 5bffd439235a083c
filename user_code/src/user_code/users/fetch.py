"""Fetches users over HTTP, and refuses a payload that is not a list of complete user records."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

type_name = {
    list: "list",
    dict: "object",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}

# The fields of https://jsonplaceholder.typicode.com/users that the transform reads, as paths into a record.
REQUIRED_TEXTS = (
    "name", "username", "email", "phone", "website",
    "address.street", "address.suite", "address.city", "address.zipcode", "address.geo.lat", "address.geo.lng",
    "company.name", "company.catchPhrase",
)  # fmt: skip

RETRIED_STATUSES = (429, 500, 502, 503, 504)

User = dict[str, Any]


class SourceError(Exception):
    """The source system gave no usable users; the message names the record and field, or the answer."""


@dataclass(frozen=True)
class FetchLimits:
    """Bounds of one fetch. Times are in seconds, sizes in bytes."""

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    retries: int = 3
    backoff_seconds: float = 0.5
    max_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True)
class FetchedUsers:
    """Users from the source, with the SHA-256 of the payload's canonical JSON and the fetch time."""

    users: list[User]
    payload_hash: str
    payload_bytes: int
    fetched_at: datetime


def fetch_users(base_url: str, limits: FetchLimits) -> FetchedUsers:
    """Gets `{base_url}/users`.

    Raises:
        SourceError: no answer, an error status after all retries, a payload over `limits.max_bytes`, not JSON, not a
            list, or a record without a required field.
    """
    url = f"{base_url.rstrip('/')}/users"
    body = get_body(url, limits)
    users = parse_users(body, url)
    canonical = json.dumps(users, sort_keys=True, separators=(",", ":")).encode()
    return FetchedUsers(users, hashlib.sha256(canonical).hexdigest(), len(body), datetime.now(UTC))


def parse_users(body: bytes, url: str) -> list[User]:
    """Decodes a payload into complete user records.

    Raises:
        SourceError: one sentence names the record and the field.
    """
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise SourceError(f"{url} did not answer with JSON: {error}.") from error
    if not isinstance(payload, list):
        raise SourceError(f"{url} answered with a JSON {type_name[type(payload)]} where a list of users is expected.")
    for index, record in enumerate(payload):
        if problem := record_problem(record):
            raise SourceError(f"{url} gave an unusable record: number {index + 1}{_identity(record)} {problem}.")
    _refuse_repeated_ids(payload, url)
    return payload


def record_problem(record: Any) -> str | None:
    """The reason why `record` is not a complete user, as the end of a sentence, or None."""
    if not isinstance(record, dict):
        return f"is a {type_name[type(record)]}, not an object"
    if "id" not in record:
        return "lacks the required field 'id'"
    if type(record["id"]) is not int:
        return f"has a {type_name[type(record['id'])]} in 'id' where a whole number is expected"
    return next(filter(None, (_text_problem(record, path) for path in REQUIRED_TEXTS)), None)


def _text_problem(record: User, path: str) -> str | None:
    value: Any = record
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return f"lacks the required field '{path}'"
        value = value[key]
    if not isinstance(value, str):
        return f"has a {type_name[type(value)]} in '{path}' where a string is expected"
    if "\x00" in value:
        return f"has a NUL character in '{path}', which no text column can hold"
    return None


def _identity(record: Any) -> str:
    return f" (id {record['id']})" if isinstance(record, dict) and "id" in record else ""


def _refuse_repeated_ids(users: list[User], url: str) -> None:
    seen: set[int] = set()
    for index, user in enumerate(users):
        if user["id"] in seen:
            raise SourceError(f"{url} gave an unusable record: number {index + 1} repeats the id {user['id']}.")
        seen.add(user["id"])


def _session(limits: FetchLimits) -> requests.Session:
    retry = Retry(
        total=limits.retries,
        backoff_factor=limits.backoff_seconds,
        status_forcelist=RETRIED_STATUSES,
        allowed_methods=("GET",),
    )
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def get_body(url: str, limits: FetchLimits) -> bytes:
    """The body that `url` returns.

    Raises:
        SourceError: no answer, an error status after all retries, or more than `limits.max_bytes`.
    """
    try:
        with (
            _session(limits) as session,
            session.get(url, timeout=(limits.connect_seconds, limits.read_seconds), stream=True) as response,
        ):
            response.raise_for_status()
            return _read_bounded(response, url, limits.max_bytes)
    except requests.HTTPError as error:
        raise SourceError(f"{url} could not be fetched: {error}.") from error
    except requests.RequestException as error:
        raise SourceError(f"{url} could not be fetched in {limits.retries + 1} attempts: {error}.") from error


def _read_bounded(response: requests.Response, url: str, max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(chunk_size=1024 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise SourceError(f"{url} answered with more than {max_bytes} bytes, the limit set by USERS_API_MAX_BYTES.")
    return bytes(body)
