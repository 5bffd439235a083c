"""The launcher explains how a container ended. tests/stack/test_odd_code.py tests the launcher itself with an engine."""

from __future__ import annotations

from typing import Any

import pytest

from dagster_services.launcher.container_end import CHARACTERS, End, end, last_lines

LIMITS = {"Memory": 2**30, "ShmSize": 2**26}
MEMORY = "it needed more memory than the 1024 MiB that RUN_MEMORY in .env allows; files in /tmp count (exit code 137)"
SHARED = (
    "a file in memory was full (SIGBUS): /dev/shm holds 64 MiB, which RUN_SHM in .env sets; "
    "RUN_TMP sets the size of /tmp and of the home folder (exit code 135)"
)
KILLED = "it was killed from outside (SIGKILL): by hand, by the engine, or by a host that was short of memory (exit code 137)"


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ({"ExitCode": 0, "OOMKilled": False, "Error": ""}, End("its exit code is 0")),
        ({"ExitCode": 137, "OOMKilled": True, "Error": ""}, End(MEMORY, again=True)),
        ({"ExitCode": 135, "OOMKilled": False, "Error": ""}, End(SHARED, again=True)),
        ({"ExitCode": 137, "OOMKilled": False, "Error": ""}, End(KILLED)),
        ({"ExitCode": 139, "OOMKilled": False, "Error": ""}, End("its process was ended by SIGSEGV (exit code 139)")),
        ({"ExitCode": 143, "OOMKilled": False, "Error": ""}, End("its process was ended by SIGTERM (exit code 143)")),
        ({"ExitCode": 127, "OOMKilled": False, "Error": "no such file"}, End("its exit code is 127: no such file")),
        ({"ExitCode": 255, "OOMKilled": False, "Error": ""}, End("its exit code is 255")),
    ],
)
def test_end_names_the_limit_and_whether_a_retry_would_meet_it(state: dict[str, Any], ended: End) -> None:
    """An operator needs the setting, not an exit code. Dagster must not retry a run that would meet the same limit."""
    assert end(state, LIMITS) == ended


def test_last_lines_cut_the_beginning_of_the_output_to_fit_into_an_event() -> None:
    """Postgres accepts no zero byte in a text, and the output may hold bytes that are not UTF-8."""
    assert last_lines(b" \n") == "\nIt has printed nothing."
    assert last_lines(b"a\0\xffb\n") == "\nThe end of its output:\na\N{REPLACEMENT CHARACTER}b"
    assert last_lines(b"x" * 2 * CHARACTERS + b"end") == f"\nThe end of its output:\n{'x' * (CHARACTERS - 3)}end"
