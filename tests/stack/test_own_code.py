"""A reader replaces the code location with the example of README.md. The other services must still work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import repository_text
from tests.stack.conftest import Stack
from tests.stack.hosting import hosting

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def readme_package(still: Stack, tmp_path: Path) -> Iterator[Stack]:
    """Yields the copy with the package of the README. Restores the old package at the end."""
    (example,) = re.findall(r"```python\n(.*?)```", repository_text("README.md"), re.DOTALL)
    definitions = re.sub("^ {3}", "", example, flags=re.MULTILINE)
    with hosting(still, {"__init__.py": "", "definitions.py": definitions}, tmp_path) as stack:
        yield stack


def test_smoke_passes_with_the_package_of_the_readme(readme_package: Stack) -> None:
    """An asset names no I/O manager. The next asset or run must still find its value."""
    said = readme_package.make("smoke", "JOBS=greeting_job").stdout.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS schedules and sensors",
        "PASS greeting_job succeeds",
    ], said
    alone = readme_package.client.wait(readme_package.client.launch("greeting_job", assets=("letter",)))
    assert alone.status == "SUCCESS", readme_package.client.story(alone.run_id)
    without = readme_package.make("smoke")
    assert without.returncode == 0, without.stdout
    assert without.stdout.splitlines()[2:] == [
        "PASS schedules and sensors: there are none",
        'SKIP no run was launched: name jobs, make smoke JOBS="mine", or give yours metadata={"smoke": True}.',
    ]
