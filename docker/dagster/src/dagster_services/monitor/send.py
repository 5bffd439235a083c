"""Sends one message to several addresses. It reads JSON from standard input, and prints the numbers of those that failed."""

from __future__ import annotations

import json
import logging
import sys

import apprise


def took(url: str, title: str, body: str) -> bool:
    """Whether an address has taken the message. One that Apprise does not understand takes none."""
    notifier = apprise.Apprise()
    return bool(notifier.add(url) and notifier.notify(title=title, body=body))


def main() -> None:
    """Never prints an address: addresses hold tokens, and Apprise's own log holds addresses."""
    logging.disable()
    given = json.load(sys.stdin)
    urls = given["urls"]
    print(json.dumps([number for number, url in enumerate(urls) if not took(url, given["title"], given["body"])]))


if __name__ == "__main__":
    main()
