"""`make user` adds a user of the login, or changes a user's password or role. The login defines the rules."""

from __future__ import annotations

import sys

from operate.compose import CommandError, model, one_off


def main(arguments: list[str]) -> int:
    """Returns the exit status. `arguments` are name and role; a prompt asks for the password."""
    try:
        if not model()["services"].get("login", {}).get("volumes"):
            print("user: this deployment keeps no users: it does with 'make up EDGE=1 LOGIN=password'", file=sys.stderr)
            return 1
    except CommandError as error:
        print(f"user: {error}", file=sys.stderr)
        return 1
    return one_off("user_admin", *arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
