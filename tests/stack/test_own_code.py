"""A reader's own code, as README.md shows it: the rest of the deployment does not mind."""

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
def own(still: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The copy with the package of the README; afterwards it is as it was."""
    (example,) = re.findall(r"```python\n(.*?)```", repository_text("README.md"), re.DOTALL)
    definitions = re.sub("^ {3}", "", example, flags=re.MULTILINE)
    with hosting(still, {"__init__.py": "", "definitions.py": definitions}, tmp_path) as stack:
        yield stack


def test_smoke_passes_with_a_package_of_ones_own(own: Stack) -> None:
    """An asset names no I/O manager. The next asset or run must still find its value."""
    said = own.make("smoke", "JOBS=greeting_job").stdout.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "PASS services are healthy",
        "PASS UI answers",
        "PASS schedules and sensors",
        "PASS greeting_job succeeds",
    ], said
    alone = own.client.wait(own.client.launch("greeting_job", assets=("letter",)))
    assert alone.status == "SUCCESS", own.client.story(alone.run_id)
    without = own.make("smoke")
    assert without.returncode == 0, without.stdout
    assert without.stdout.splitlines()[2:] == [
        "PASS schedules and sensors: there are none",
        'SKIP no run was launched: name jobs, make smoke JOBS="mine", or give yours metadata={"smoke": True}.',
    ]
