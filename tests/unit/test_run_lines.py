"""The container of a run formats its lines only with LOG_FORMAT=json, and once."""

from __future__ import annotations

import pytest

from dagster_code_server.run_lines import formatting

RUN_ID = "0b3f6b0e-6c0a-4e4e-9f0e-3f3c6f1f2a10"
COMMAND = ["python", "-P", "-m", "dagster_code_server.run", "dagster", "api", "execute_run", f'{{"run_id": "{RUN_ID}"}}']


def test_command_runs_below_the_program_that_formats_and_names_the_run() -> None:
    """Its own arguments hold the run's id."""
    assert formatting(COMMAND, {"LOG_FORMAT": "json", "A": "b"}) == (
        ["log_lines", *COMMAND],
        {"LOG_FORMAT": "json", "A": "b", "LOG_RUN_ID": RUN_ID},
    )


@pytest.mark.parametrize("environ", [{}, {"LOG_FORMAT": "text"}, {"LOG_FORMAT": "json", "LOG_LINES": "1"}])
def test_command_stays_as_it_is(environ: dict[str, str]) -> None:
    """Text needs no other process. A process of which the lines are formatted must not start itself for ever."""
    assert formatting(COMMAND, environ) is None
