"""Most drills run seldom. Each must be able to start."""

from __future__ import annotations

import os
import subprocess
import sys

from operate.compose import ROOT


def test_every_drill_finds_its_fixtures() -> None:
    """A fixture that its folder does not import stays unnoticed until the drill runs. CI runs only the drills of data."""
    folders = sorted(ROOT.glob("tests/**/drills"))
    command = [sys.executable, "-m", "pytest", "--quiet", "--setup-plan", *map(str, folders)]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    planned = subprocess.run(command, cwd=ROOT, env=outer, text=True, capture_output=True, check=False)
    assert planned.returncode == 0, planned.stdout[-3000:]
    assert "no tests ran" in planned.stdout
