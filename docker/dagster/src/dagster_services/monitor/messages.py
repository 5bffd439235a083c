"""Messages to the addresses in ALERT_URLS_FILE, which Apprise understands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dagster_services.monitor.problems import Problem

# Every channel accepts so much.
MOST_CHARACTERS = 1_500
# Apprise waits ten seconds for an address.
SECONDS = 120
SEND = [sys.executable, "-m", "dagster_services.monitor.send"]


class MessageError(Exception):
    """An address did not receive a message. The text never holds the address: addresses hold tokens."""


def message(found: Sequence[Problem]) -> tuple[str, str]:
    """Title and body about problems that began at the same look."""
    title = found[0].said if len(found) == 1 else f"{len(found)} problems"
    body = "\n".join(each.said for each in found)
    return f"Dagster: {title}"[:200], f"{body}\n`make doctor` shows the remedies."[:MOST_CHARACTERS]


def addresses(file: Path) -> list[str]:
    """The operator's addresses, one a line, without lines that start with '#'. They change without a restart.

    Raises:
        MessageError: the file cannot be read.
    """
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise MessageError(f"ALERT_URLS_FILE cannot be read: {error}") from error
    return [line for line in lines if line and not line.startswith("#")]


def send(urls: Sequence[str], title: str, body: str) -> list[str]:
    """Sends one message to each address. Returns those that did not take it.

    A process of its own does it, whose memory is free again afterwards: Apprise takes 40 MB.

    Raises:
        MessageError: nothing was sent.
    """
    given = json.dumps({"urls": list(urls), "title": title, "body": body})
    try:
        done = subprocess.run(SEND, input=given, text=True, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise MessageError(f"the addresses of ALERT_URLS_FILE have not answered within {SECONDS} s") from error
    if done.returncode:
        raise MessageError((done.stderr.strip().splitlines() or ["the message was not sent"])[-1])
    return [urls[number] for number in json.loads(done.stdout)]
