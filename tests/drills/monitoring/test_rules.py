"""The rules fire at their times: promtool plays made-up series."""

from __future__ import annotations

from pathlib import Path

import pytest

from operate.compose import run
from tests.stack.conftest import PROJECT, Stack

pytestmark = pytest.mark.timeout(900)
HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "command",
    [
        ("promtool", "test", "rules", "/tests/rules_test.yml", "/tests/rules_of_days_test.yml"),
        ("promtool", "check", "config", "/etc/monitoring/prometheus.yml"),
        ("amtool", "check-config", "/etc/monitoring/alertmanager.yml"),
    ],
)
def test_shipped_configuration_passes(stack: Stack, command: tuple[str, ...]) -> None:
    """A rule that is never true looks like a deployment that is well."""
    said = run(
        [
            "docker",
            "run",
            "--rm",
            "--network=none",
            f"--volume={HERE}:/tests:ro",
            f"{PROJECT}/monitoring:local",
            *command,
        ],
        capture=True,
    )
    assert "SUCCESS" in said
