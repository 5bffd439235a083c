"""`make user`: makes a user of the login, or gives one another password or role. The login itself says what is allowed."""

from __future__ import annotations

import sys

from operate.compose import CommandError, model, one_off


def main(arguments: list[str]) -> int:
    """Returns the exit status. `arguments` are name and role; the password is asked for."""
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
