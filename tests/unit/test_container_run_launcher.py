"""What is said of a container that has ended. The launcher itself is tested with an engine, in tests/stack/test_faults.py."""

from __future__ import annotations

from typing import Any

import pytest
from container_run_launcher import CHARACTERS, last_lines, why


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"ExitCode": 0, "OOMKilled": False, "Error": ""}, "its exit code is 0"),
        ({"ExitCode": 137, "OOMKilled": True, "Error": ""}, "it reached its memory limit (exit code 137)"),
        ({"ExitCode": 127, "OOMKilled": False, "Error": "no such file"}, "its exit code is 127: no such file"),
    ],
)
def test_how_it_ended(state: dict[str, Any], said: str) -> None:
    """Of the engine's own words for it."""
    assert why(state) == said


def test_its_output_is_cut_at_the_front_and_fits_into_an_event() -> None:
    """Postgres takes no zero byte in a text, and not every byte is UTF-8."""
    assert last_lines(b" \n") == "\nIt has printed nothing."
    assert last_lines(b"a\0\xffb\n") == "\nThe end of its output:\na\N{REPLACEMENT CHARACTER}b"
    assert last_lines(b"x" * 2 * CHARACTERS + b"end") == f"\nThe end of its output:\n{'x' * (CHARACTERS - 3)}end"
