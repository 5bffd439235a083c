"""The rules fire at their times: promtool plays made-up series."""

from __future__ import annotations

from pathlib import Path

import pytest

from operate.compose import run
from tests.stack.conftest import PROJECT, Stack

pytestmark = pytest.mark.timeout(900)
TESTS = Path(__file__).with_name("rules_test.yml")


@pytest.mark.parametrize(
    "command",
    [
        ("promtool", "test", "rules", "/rules_test.yml"),
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
            f"--volume={TESTS}:/rules_test.yml:ro",
            f"{PROJECT}/monitoring:local",
            *command,
        ],
        capture=True,
    )
    assert "SUCCESS" in said
