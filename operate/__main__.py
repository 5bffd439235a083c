"""The verbs of the Makefile: `python3 -m operate VERB`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from dagster_api.client import ApiError
from dagster_api.waiting import WaitError
from operate import down, preflight, prune, secret, smoke, up, user
from operate.compose import CommandError
from operate.overlays import OverlayError

# Each returns its exit status. It takes the words after the verb: those of WORDS, and no others.
VERBS: dict[str, Callable[[list[str]], int]] = {
    "up": up.main,
    "preflight": preflight.main,
    "smoke": smoke.main,
    "down": down.main,
    "destroy": down.destroy,
    "prune": prune.main,
    "user": user.main,
    "secret": secret.main,
}
WORDS = {"smoke": "JOB", "user": "NAME and ROLE", "secret": "NAME"}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The verb and its words; exits with a message if one is not known."""
    parser = argparse.ArgumentParser("operate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in VERBS:
        verb = verbs.add_parser(name)
        verb.set_defaults(words=[])
        if name in WORDS:
            verb.add_argument("words", nargs="*", metavar=WORDS[name])
    verbs.choices["destroy"].add_argument("--yes", dest="words", action="append_const", const="--yes", help="do not ask")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Runs a verb; returns its exit status, or 1 after printing one sentence about its error."""
    options = parse(arguments)
    try:
        return VERBS[options.verb](options.words)
    except (ApiError, CommandError, OverlayError, WaitError) as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
