"""`make secret`: keeps what is on standard input for user code, whose server and runs read it as /run/secrets/NAME.

In a file, because the environment of a run is in `docker inspect` and in its command line. Nothing on standard input removes it.
"""

import getpass
import re
import sys
from pathlib import Path

from generate_secrets import DAGSTER_UID, FOLDER, write

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# The database's passwords, which `generate_secrets` keeps there.
TAKEN = {"pgpass"}


def keep(folder: Path, name: str, text: str) -> str:
    """Writes or removes the file; returns what was done.

    Raises:
        SystemExit: the name is not allowed.
    """
    if not NAME.fullmatch(name) or name in TAKEN:
        sys.exit(f"secret: the name '{name}' is not allowed: small letters, digits and _, a letter first, and not 'pgpass'")
    if text:
        write(folder / name, text, DAGSTER_UID)
        return f"secret: user code reads it as /run/secrets/{name}"
    (folder / name).unlink(missing_ok=True)
    return f"secret: there is no {name} any more"


def main() -> None:
    """Ends with one sentence where something is not allowed; what was kept stays as it was."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program's own name, and the secret's
        sys.exit("secret: the name is missing: make secret NAME=shop_api_key < key.txt")
    text = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.read()
    print(keep(FOLDER / "code", sys.argv[1], text))


if __name__ == "__main__":
    main()
