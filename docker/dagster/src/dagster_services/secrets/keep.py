"""`make secret`: stores standard input as a secret, which the code server and its runs read as /run/secrets/NAME.

It is a file, because `docker inspect` and the command line show a run's environment. Empty standard input removes it.
"""

import getpass
import re
import sys
from pathlib import Path

from dagster_services.secrets.generate import DAGSTER_UID, FOLDER, write

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# `hand_out` keeps passwords there.
TAKEN = {"pgpass", "broker_password"}


def keep(folder: Path, name: str, text: str) -> str:
    """Writes or removes the file; returns a sentence about the result.

    Raises:
        SystemExit: the name is not allowed.
    """
    if not NAME.fullmatch(name) or name in TAKEN:
        taken = " or ".join(sorted(TAKEN))
        sys.exit(f"secret: the name '{name}' is not allowed: small letters, digits and _, a letter first, and not {taken}")
    if text:
        write(folder / name, text, DAGSTER_UID)
        return f"secret: user code reads it as /run/secrets/{name}"
    (folder / name).unlink(missing_ok=True)
    return f"secret: there is no {name} any more"


def main() -> None:
    """Ends with one sentence if an input is not allowed; the stored secret stays unchanged."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program's own name, and the secret's
        sys.exit("secret: the name is missing: make secret NAME=shop_api_key < key.txt")
    text = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.read()
    print(keep(FOLDER / "location", sys.argv[1], text))


if __name__ == "__main__":
    main()
