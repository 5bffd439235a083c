"""`make secret` stores a password or a key for user code.

`docker/dagster/src/dagster_services/secrets/keep.py` defines the rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from operate.compose import CommandError, one_off
from operate.locations import locations


def reader(names: Sequence[str], wanted: str | None) -> str:
    """The code location that is to read a secret: the wanted one, or the only one.

    Raises:
        CommandError: there is no such location, or there are several and none is named.
    """
    if wanted is not None and wanted not in names:
        raise CommandError(f"there is no code location {wanted}: there are {', '.join(names)}")
    if wanted is None and len(names) != 1:
        raise CommandError(f"which code location may read it? LOCATION= names one of {', '.join(names)}")
    return wanted or names[0]


def main(words: list[str]) -> int:
    """Returns the exit status. Words are the secret's name and a code location's; standard input holds the value.

    Raises:
        CommandError: the code location is not known.
    """
    name, location = words[:1], words[1] if len(words) > 1 else None
    service = f"{reader([each.name for each in locations()], location)}_secrets"
    return one_off(service, "python", "-m", "dagster_services.secrets.keep", *name)
