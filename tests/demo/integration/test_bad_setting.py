"""The code server rejects a wrong setting of the demo."""

from __future__ import annotations

import subprocess
import sys

from operate.compose import ROOT

SERVE = [sys.executable, "-P", "-m", "dagster_code_server.serve"]


def test_code_server_exits_with_one_sentence_for_a_wrong_setting(environment: dict) -> None:
    """An operator finds the sentence in the last line of `docker compose logs user_code`."""
    environ = {**environment, "SCHEDULE_TIMEZONE": "Mars"}
    ended = subprocess.run(SERVE, cwd=ROOT / "user_code", env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        "SCHEDULE_TIMEZONE is set to 'Mars', which is not allowed: it must be an IANA time zone, such as 'UTC' or "
        "'Europe/Zurich'. Correct it in .env.\n"
    )
