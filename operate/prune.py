"""`make prune` removes stopped run containers that are older than a day. Runs, events and output stay."""

from __future__ import annotations

import sys

from operate.compose import PROJECT_LABEL, CommandError, model, run

KEPT = "24h"


def main() -> int:
    """Returns the exit status."""
    try:
        label = f"label={PROJECT_LABEL}={model()['name']}"
        print(
            run(
                ["docker", "container", "prune", "--force", "--filter", label, "--filter", f"until={KEPT}"],
                capture=True,
            ).strip()
        )
    except CommandError as error:
        print(f"prune: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
