"""The verbs read the output of a build, and the list of code locations."""

from __future__ import annotations

from operate.images import reason
from operate.workspace import listed

OUTPUT = """#18 [builder 9/9] RUN python -m project_build.install itself /opt/project
#18 1.052 project: uv pip install failed: error: no_such_backend
#18 1.052   hint: it is missing
#18 ERROR: process "/bin/sh -c python" did not complete successfully: exit code: 1
------
 > [builder 9/9] RUN python:
"""


def test_reason_is_what_the_build_of_a_project_says() -> None:
    """A person needs the sentence, not the steps of the build."""
    assert reason(OUTPUT) == "uv pip install failed: error: no_such_backend\n  hint: it is missing"


def test_reason_of_another_failure_is_the_whole_output() -> None:
    """The engine may be out of disk."""
    assert reason("#3 ERROR: no space left on device") == "#3 ERROR: no space left on device"


def test_listed_names_the_code_locations_of_a_workspace() -> None:
    """A comment is no code location."""
    text = "load_from:\n  - grpc_server:\n      location_name: shop\n      # location_name: old\n  - grpc_server: {}\n"
    assert listed(text) == {"shop"}
