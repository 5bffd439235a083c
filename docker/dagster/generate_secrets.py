"""Makes the passwords of the database roles at first start, and hands each reader a file with the ones it needs.

Nobody types a password, there is no default one, and none is in an environment, a command line or `docker inspect`.
What is there already is kept: delete the volumes `secrets_*` together with `postgres_data`, or neither.
"""

import os
import secrets
from pathlib import Path

FOLDER = Path("/secrets")
# Numeric users of the images: postgres, and ours.
POSTGRES_UID, DAGSTER_UID = 999, 10001
ROLES = ("postgres", "dagster", "warehouse")
# Which roles' passwords a reader holds.
PGPASS_READERS = {"instance": ("dagster",), "code": ("dagster", "warehouse")}


def role_passwords(folder: Path) -> dict[str, str]:
    """One password a role, as the files that Postgres reads when it makes the roles."""
    passwords = {}
    for role in ROLES:
        path = folder / f"{role}_password"
        if not path.exists():
            write(path, secrets.token_urlsafe(32), POSTGRES_UID)
        passwords[role] = path.read_text()
    return passwords


def write(path: Path, text: str, owner: int) -> None:
    """Makes a file that only `owner` can read; libpq refuses any other."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchown(file.fileno(), owner, owner)


def main() -> None:
    """Writes every file."""
    passwords = role_passwords(FOLDER / "postgres")
    for reader, roles in PGPASS_READERS.items():
        lines = [f"*:*:*:{role}:{passwords[role]}\n" for role in roles]
        write(FOLDER / reader / "pgpass", "".join(lines), DAGSTER_UID)


if __name__ == "__main__":
    main()
