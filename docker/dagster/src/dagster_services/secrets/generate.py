"""Makes the passwords of the database roles at first start, and gives each reader a file with those it needs.

Nobody types a password and there is no default. None is in an environment, a command line or `docker inspect`.
Existing files are kept: delete the volumes `secrets_*` together with `postgres_data`, or neither.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from dagster_deployment.output_store import role_of

FOLDER = Path("/secrets")
# Numeric users of the images: that of Postgres, and that of this deployment's images.
POSTGRES_UID, DAGSTER_UID = 999, 10001
ROLES = ("dagster", "dagster_run", "warehouse")
# The role of the service `maintenance`.
MAINTENANCE = "dagster_maintenance"
# The role of the service `monitor`, and of the exporters with MONITORING=1.
MONITOR = "dagster_monitor"
# The role of the service `backup`, which reads the whole database as WAL.
BACKUP = "backup"
# The Compose files of code locations. Each location has another role, for its outputs.
LOCATIONS = Path("/locations")
# operate.location lets no other name in.
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Stretching slows down password guesses. These passwords are 256 random bits, which nobody guesses. The default of
# 4,096 rounds would cost 3 ms of CPU for each of a run's hundred connections.
SCRAM_ROUNDS = 64
# The exporters keep their connections, and their driver refuses fewer: RFC 7677.
MONITOR_SCRAM_ROUNDS = 4096


def scram_secret(password: str, salt: bytes, rounds: int = SCRAM_ROUNDS) -> str:
    """The SCRAM secret that Postgres and PgBouncer keep instead of the password: RFC 5803, as in Postgres' `pg_authid`."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored, server, salt_text = (
        base64.b64encode(part).decode() for part in (hashlib.sha256(client_key).digest(), server_key, salt)
    )
    return f"SCRAM-SHA-256${rounds}:{salt_text}${stored}:{server}"


def rounds(role: str) -> int:
    """How often a role's password is stretched."""
    return MONITOR_SCRAM_ROUNDS if role == MONITOR else SCRAM_ROUNDS


def write(path: Path, content: str | bytes, owner: int) -> bool:
    """Writes a file that only `owner` can read; libpq refuses any other. Returns whether it has changed.

    It writes a new file and renames it: this runs at every start, while services may read the file.
    """
    content = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == content:
        return False
    aside = path.with_suffix(".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchown(file.fileno(), owner, owner)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    return True


def kept(path: Path, make: str, owner: int) -> str:
    """The text of a file; `make` supplies it if there is no file."""
    if not path.exists():
        write(path, make, owner)
    return path.read_text()


def locations(folder: Path = LOCATIONS) -> list[str]:
    """The code locations of this deployment. A copy of a folder, such as shop.bak, is none."""
    names = (file.parent.name for file in folder.glob("*/compose.yml"))
    return sorted(name for name in names if NAME.fullmatch(name))


def main() -> None:
    """Writes every missing file."""
    of_locations = [role_of(name) for name in locations()]
    # BACKUP=1 mounts the folder.
    roles = (*ROLES, MAINTENANCE, MONITOR, *of_locations, *([BACKUP] if (FOLDER / BACKUP).is_dir() else []))
    kept(FOLDER / "postgres/postgres_password", secrets.token_urlsafe(32), POSTGRES_UID)
    passwords = {role: kept(FOLDER / f"postgres/{role}_password", secrets.token_urlsafe(32), 0) for role in roles}
    scram = {
        role: kept(FOLDER / f"postgres/{role}_scram", scram_secret(password, secrets.token_bytes(16), rounds(role)), POSTGRES_UID)
        for role, password in passwords.items()
    }
    # The roles that may connect through each pool.
    pools = {"pool": ("dagster", MAINTENANCE, MONITOR), "run_pool": ("dagster_run", "warehouse", MONITOR, *of_locations)}
    for pool, known in pools.items():
        write(FOLDER / pool / "userlist.txt", "".join(f'"{role}" "{scram[role]}"\n' for role in known), DAGSTER_UID)
    write(FOLDER / "instance/pgpass", f"*:*:*:dagster:{passwords['dagster']}\n", DAGSTER_UID)
    write(FOLDER / "maintenance/pgpass", f"*:*:*:{MAINTENANCE}:{passwords[MAINTENANCE]}\n", DAGSTER_UID)
    write(FOLDER / "monitor/pgpass", f"*:*:*:{MONITOR}:{passwords[MONITOR]}\n", DAGSTER_UID)
    if BACKUP in roles:
        write(FOLDER / "backup/pgpass", f"*:*:*:{BACKUP}:{passwords[BACKUP]}\n", POSTGRES_UID)


if __name__ == "__main__":
    main()
