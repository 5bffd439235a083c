"""`make secret` stores a password or a key for user code. `docker/dagster/keep_secret.py` defines the rules."""

from __future__ import annotations

import sys

from operate.compose import CommandError, one_off

if __name__ == "__main__":
    try:
        sys.exit(one_off("secrets", "python", "keep_secret.py", *sys.argv[1:]))
    except CommandError as error:
        sys.exit(f"secret: {error}")
