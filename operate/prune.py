"""`make prune` removes stopped run containers that are older than a day. Runs, events and output stay."""

from __future__ import annotations

from operate.compose import PROJECT_LABEL, model, run

KEPT = "24h"


def main(_: list[str]) -> int:
    """Returns the exit status.

    Raises:
        CommandError: the engine does not answer.
    """
    filters = [f"label={PROJECT_LABEL}={model()['name']}", f"until={KEPT}"]
    command = ["docker", "container", "prune", "--force", *(f"--filter={one}" for one in filters)]
    print(run(command, capture=True).strip())
    return 0
