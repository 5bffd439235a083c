"""A reader types the commands of demo/README.md."""

from __future__ import annotations

import json
import re

from operate.compose import ROOT
from tests.demo.stack.conftest import Demo


def test_commands_of_the_demo_readme_work(still: Demo) -> None:
    """A reader types these commands while the deployment runs."""
    commands = re.findall(r"^ *(docker compose exec .*)$", (ROOT / "demo/README.md").read_text(), re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        arguments = command.removeprefix("docker compose exec ").split()
        assert '"behaviour"' in still.compose("exec", "-T", *arguments), command
    assert json.loads(still.exec("users_api", "python", "-m", "users_api.control", "behaviour=ok"))["behaviour"] == "ok"
    said = still.exec_refused("users_api", "python", "-m", "users_api.control", "behaviour=sing")
    assert said.startswith('behaviour "sing" is not known')
