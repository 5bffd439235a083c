"""The evaluation changes settings of the code location, and must not end runs with that."""

from __future__ import annotations

from tests.demo.stack.conftest import Demo


def test_evaluation_rejects_a_deployment_whose_runs_are_processes(still: Demo) -> None:
    """The evaluation restarts the code server, which would end these runs."""
    still.environ["COMPOSE_FILE"] += ":docker/compose.process.yml"
    try:
        refused = still.make("evaluate")
    finally:
        still.environ["COMPOSE_FILE"] = still.environ["COMPOSE_FILE"].removesuffix(":docker/compose.process.yml")
    assert refused.returncode != 0
    said = "evaluate: runs are processes of the code server here, and would end when its settings change: make up"
    assert said in refused.stderr
