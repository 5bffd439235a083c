"""`fetch_users` accepts only a list of complete users, and names the wrong record and field."""

import hashlib
import json
import socket
import threading

import pytest

from tests.conftest import Source
from tests.demo.users import make_user
from user_code.users.fetch import FetchLimits, SourceError, fetch_users, record_problem

FAST = FetchLimits(connect_seconds=2, read_seconds=0.3, retries=2, backoff_seconds=0.01)


def without(record: dict, path: str) -> dict:
    copy = json.loads(json.dumps(record))
    *parents, last = path.split(".")
    inner = copy
    for key in parents:
        inner = inner[key]
    del inner[last]
    return copy


def test_fetch_returns_unchanged_users_and_the_hash_of_their_canonical_json(source: Source) -> None:
    """The hash is the data version: it must not depend on white space or on the order of keys."""
    users = [make_user(2), make_user(1)]
    source.answer(json.dumps([dict(reversed(user.items())) for user in users], indent=4).encode())
    fetched = fetch_users(source.url + "/", FAST)
    canonical = json.dumps(users, sort_keys=True, separators=(",", ":")).encode()
    assert fetched.users == users
    assert fetched.payload_hash == hashlib.sha256(canonical).hexdigest()
    assert source.requests == ["/users"]


def test_fetch_returns_another_hash_for_another_payload(source: Source) -> None:
    """One changed letter is new data."""
    source.answer([make_user(1)])
    source.answer([make_user(1, name="other")])
    assert fetch_users(source.url, FAST).payload_hash != fetch_users(source.url, FAST).payload_hash


def test_fetch_accepts_an_empty_list(source: Source) -> None:
    """The asset check decides whether an empty list is acceptable."""
    source.answer([])
    assert fetch_users(source.url, FAST).users == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_fetch_retries_temporary_faults(source: Source, status: int) -> None:
    """A source that fails for a moment must not fail the run."""
    source.answer("busy", status)
    source.answer("busy", status)
    source.answer([make_user(1)])
    assert len(fetch_users(source.url, FAST).users) == 1
    assert len(source.requests) == 3


def test_fetch_fails_after_all_attempts(source: Source) -> None:
    """Retries must end, and the message counts the attempts."""
    source.answer("broken", 500)
    with pytest.raises(SourceError, match=r"/users could not be fetched in 3 attempts: .*too many 500 error responses"):
        fetch_users(source.url, FAST)
    assert len(source.requests) == 3


def test_fetch_does_not_retry_a_client_error(source: Source) -> None:
    """A second request would also get status 404."""
    source.answer("no", 404)
    with pytest.raises(SourceError, match="404"):
        fetch_users(source.url, FAST)
    assert len(source.requests) == 1


def test_fetch_times_out_if_the_source_stalls() -> None:
    """A source that accepts a connection and never answers must not block the run."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        thread = threading.Thread(target=lambda: [accepted.append(server.accept()[0]) for _ in range(3)])
        thread.start()
        with pytest.raises(SourceError, match="timed out"):
            fetch_users(f"http://127.0.0.1:{server.getsockname()[1]}", FAST)
        thread.join(5)
        for connection in accepted:
            connection.close()
    assert len(accepted) == 3


def test_fetch_names_a_source_that_it_cannot_reach() -> None:
    """The operator must see which URL is wrong. Nothing listens on port 1."""
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:1/users could not be fetched in 3 attempts"):
        fetch_users("http://127.0.0.1:1", FAST)


def test_fetch_rejects_a_payload_above_the_limit(source: Source) -> None:
    """The limit protects the memory of the run, and the message names the setting."""
    source.answer([make_user(number) for number in range(1, 20)])
    limits = FetchLimits(max_bytes=1000, retries=0)
    with pytest.raises(SourceError, match="more than 1000 bytes, the limit set by USERS_API_MAX_BYTES"):
        fetch_users(source.url, limits)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"<html>", "did not answer with JSON: Expecting value: line 1 column 1 (char 0)."),
        (b'[{"id": 1', "did not answer with JSON: Expecting ',' delimiter: line 1 column 10 (char 9)."),
        (b"\xff\xfe", "did not answer with JSON:"),
        ({"users": []}, "answered with a JSON object where a list of users is expected."),
        (None, "answered with a JSON null where a list of users is expected."),
        ([make_user(1), "x"], "gave an unusable record: number 2 is a string, not an object."),
        ([without(make_user(1), "id")], "gave an unusable record: number 1 lacks the required field 'id'."),
        (
            [make_user(1, id="1")],
            "gave an unusable record: number 1 (id 1) has a string in 'id' where a whole number is expected.",
        ),
        (
            [make_user(1, id=True)],
            "gave an unusable record: number 1 (id True) has a boolean in 'id' where a whole number is expected.",
        ),
        (
            [make_user(7, email=None)],
            "gave an unusable record: number 1 (id 7) has a null in 'email' where a string is expected.",
        ),
        ([make_user(7, address="x")], "gave an unusable record: number 1 (id 7) lacks the required field 'address.street'."),
        (
            [make_user(7, name="a\x00b")],
            "gave an unusable record: number 1 (id 7) has a NUL character in 'name', which no text column can hold.",
        ),
        ([make_user(3), make_user(3)], "gave an unusable record: number 2 repeats the id 3."),
    ],
)
def test_fetch_describes_an_unusable_payload_in_one_sentence(source: Source, payload: object, sentence: str) -> None:
    """The operator reads this sentence in the failed run."""
    source.answer(payload)
    with pytest.raises(SourceError) as caught:
        fetch_users(source.url, FAST)
    assert str(caught.value).startswith(f"{source.url}/users {sentence}")


@pytest.mark.parametrize("path", ["name", "email", "address.street", "address.geo.lat", "company.catchPhrase"])
def test_fetch_requires_every_field_that_the_transform_reads(path: str) -> None:
    """The message must name the missing field by its path."""
    assert record_problem(without(make_user(1), path)) == f"lacks the required field '{path}'"
