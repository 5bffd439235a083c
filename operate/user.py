"""`make user` adds a user of the login, or changes a user's password or role. The login defines the rules."""

from __future__ import annotations

from operate.compose import CommandError, model, one_off


def main(words: list[str]) -> int:
    """Returns the exit status. `words` are name and role; a prompt asks for the password.

    Raises:
        CommandError: this deployment has no file of users.
    """
    if not model()["services"].get("login", {}).get("volumes"):
        raise CommandError("this deployment keeps no users: it does with 'make up EDGE=1 LOGIN=password'")
    return one_off("user_admin", *words)
