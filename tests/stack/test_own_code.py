"""A reader replaces the code location with the smallest project of the manual. The other services must still work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.manual import example
from tests.stack.conftest import Stack
from tests.stack.hosting import hosting

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def smallest_project(still: Stack, tmp_path: Path) -> Iterator[Stack]:
    """Yields the copy with that project. Restores the old one at the end."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(example("toml"))
    (project / "shop.py").write_text(example("python"))
    (tmp_path / "lock").mkdir()
    with hosting(still, project, tmp_path / "lock") as stack:
        yield stack


def test_smoke_passes_with_the_smallest_project_of_the_manual(smallest_project: Stack) -> None:
    """An asset names no I/O manager. The next asset or run must still find its value."""
    said = smallest_project.make("smoke", "JOBS=greeting_job").stdout.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS code location user_code",
        "PASS greeting_job succeeds",
    ], said
    alone = smallest_project.client.wait(smallest_project.client.launch("greeting_job", assets=("letter",)))
    assert alone.status == "SUCCESS", smallest_project.client.story(alone.run_id)
    without = smallest_project.make("smoke")
    assert without.returncode == 0, without.stdout
    assert without.stdout.splitlines()[2:] == [
        "PASS code location user_code: no schedules, no sensors",
        'SKIP no run was launched: name jobs, make smoke JOBS="mine", or give yours metadata={"smoke": True}.',
    ]
