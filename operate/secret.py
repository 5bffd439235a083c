"""`make secret` stores a password or a key for user code.

`docker/dagster/src/dagster_services/secrets/keep.py` defines the rules.
"""

from __future__ import annotations

from operate.compose import one_off


def main(words: list[str]) -> int:
    """Returns the exit status. The word is the secret's name; standard input holds its value."""
    return one_off("secrets", "python", "-m", "dagster_services.secrets.keep", *words)
