"""Makes the users of the broker: one that launches runs, and one for the workers of each code location.

A worker's user reaches the keys of its own code location only. It runs at every start, and keeps the passwords.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from dagster_services.secrets.generate import DAGSTER_UID, FOLDER, kept, locations, write

# The numeric user of the broker's image.
BROKER_UID = 999
# Commands by category. `@dangerous` has those that stop the server, list clients or keys, or change users. Scripts are not
# allowed: one with an endless loop stopped the broker for all.
CLIENT = "+@connection +@transaction +@read +@write -@dangerous -@blocking +brpop +time"
# Names of other locations' keys are none of its business.
WORKER = "-scan -randomkey -dbsize -client|tracking"
# Nobody publishes or subscribes: Celery's broadcasts are off.
LAUNCHER = f"~* {CLIENT} +info"
PROBE = "user probe on nopass +ping"


def user(name: str, password: str, rights: str) -> str:
    """The line of a user in the broker's file. It holds a hash: the password is 256 random bits."""
    return f"user {name} on #{hashlib.sha256(password.encode()).hexdigest()} {rights}"


def users(launcher: str, access: str, workers: Iterable[tuple[str, str]]) -> str:
    """The broker's file of users."""
    lines = [
        "user default off",
        PROBE,
        user("access", access, "+acl|load"),
        user("launcher", launcher, LAUNCHER),
        *(user(f"worker_{name}", password, f"~{name}:* {CLIENT} {WORKER}") for name, password in workers),
    ]
    return "".join(f"{line}\n" for line in lines)


def password(path: Path, owner: int) -> str:
    """The password in a file, which is made if it is missing."""
    return kept(path, secrets.token_urlsafe(32), owner)


def main() -> None:
    """Writes the passwords, each for its reader, and the file of users."""
    launcher = password(FOLDER / "instance/broker_password", DAGSTER_UID)
    access = password(FOLDER / "broker_users/access_password", BROKER_UID)
    workers = [(name, password(FOLDER / f"broker/{name}", 0)) for name in locations()]
    write(FOLDER / "broker_users/users.acl", users(launcher, access, workers), BROKER_UID)


if __name__ == "__main__":
    main()
