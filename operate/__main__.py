"""The verbs of the Makefile: `python3 -m operate VERB`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable

from dagster_api.client import ApiError
from dagster_api.waiting import WaitError
from operate import (
    backup,
    deploy,
    doctor,
    down,
    location,
    maintenance,
    preflight,
    restore,
    secret,
    smoke,
    up,
    upgrade,
    user,
    worker_host,
)
from operate.compose import CommandError
from operate.overlays import OverlayError

# Each returns its exit status. It takes the words after the verb: those of WORDS and OPTIONS, and no others.
VERBS: dict[str, Callable[[list[str]], int]] = {
    "up": up.main,
    "preflight": preflight.main,
    "location": location.main,
    "deploy": deploy.main,
    "smoke": smoke.main,
    "doctor": doctor.main,
    "down": down.main,
    "destroy": down.destroy,
    "maintenance": maintenance.main,
    "user": user.main,
    "secret": secret.main,
    "worker-host": worker_host.main,
    "backup": backup.main,
    "restore": restore.main,
    "upgrade": upgrade.main,
}
WORDS = {
    "smoke": "JOB",
    "user": "NAME and ROLE",
    "secret": "NAME and LOCATION",
    "location": "NAME and FROM",
    "deploy": "NAME",
    "worker-host": "NAME and TO",
    "restore": "FILE",
    "upgrade": "FORMER",
}
OPTIONS = {
    "destroy": ("--yes",),
    "location": ("--remove",),
    "doctor": ("--json",),
    "maintenance": ("--count",),
    "deploy": ("--back",),
    "worker-host": ("--remove",),
    "restore": ("--yes", "--no-safety"),
    "upgrade": ("--back",),
}

# Options with a value.
VALUES = {"restore": ("--at", "--copy", "--identity"), "upgrade": ("--wait",)}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The verb and its words; exits with a message if one is not known."""
    parser = argparse.ArgumentParser("operate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in VERBS:
        verb = verbs.add_parser(name)
        verb.set_defaults(words=[], options=[])
        if name in WORDS:
            verb.add_argument("words", nargs="*", metavar=WORDS[name])
        for option in OPTIONS.get(name, ()):
            verb.add_argument(option, dest="options", action="append_const", const=option)
        for option in VALUES.get(name, ()):
            verb.add_argument(option, dest="options", action="append", type=f"{option}={{}}".format)
    parsed = parser.parse_args(arguments)
    parsed.words += parsed.options
    return parsed


def main(arguments: list[str]) -> int:
    """Runs a verb; returns its exit status, or 1 after printing one sentence about its error."""
    options = parse(arguments)
    # A lost connection or a shutdown ends a verb as Ctrl-C does, so that it tidies up.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        return VERBS[options.verb](options.words)
    except (ApiError, CommandError, OverlayError, WaitError) as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{options.verb}: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
