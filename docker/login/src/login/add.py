"""`make user`: asks for a password, and writes a user to the file. Arguments: name and role; `none` removes the user."""

import getpass
import sys
from pathlib import Path

from login.users import UserError, make_user, remove_user, write_user

FILE = Path("/var/lib/login/users")
# The role of a user who may no longer log in.
NOBODY = "none"


def password() -> str:
    """The password, typed twice at a terminal, or else the first line of standard input.

    Raises:
        UserError: the two differ.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise UserError("the passwords differ")
    return first


def main() -> None:
    """Ends with one sentence if an input is not allowed; the file then stays unchanged."""
    if len(sys.argv) != 3:  # noqa: PLR2004 - the program's own name, the user's, and the role
        sys.exit("user: name and role are missing: make user NAME=anna ROLE=viewer")
    name, role = sys.argv[1:]
    try:
        if role == NOBODY:
            remove_user(FILE, name)
        else:
            write_user(FILE, make_user(name, role, password()))
    except UserError as error:
        sys.exit(f"user: {error}")
    print(f"user: {name} is {role} now")


if __name__ == "__main__":
    main()
