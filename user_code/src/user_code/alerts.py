"""Messages to the operator. Plain Python: the sensor that calls it is in `defs/sensors.py`."""

from __future__ import annotations

from pathlib import Path


class AlertError(Exception):
    """A message did not reach every address."""


def failure_message(job: str, run_id: str, error: str) -> tuple[str, str]:
    """Title and body that say which run failed and why, in at most 1,500 characters, which every channel takes."""
    return f"Dagster: {job} failed", f"Run {run_id}\n{error}"[:1500]


def read_urls(file: Path | None) -> str:
    """What the operator wrote into the file of addresses; lines that start with '#' are left out. Empty without a file.

    Raises:
        AlertError: the file cannot be read.
    """
    if file is None:
        return ""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AlertError(f"ALERT_URLS_FILE is '{file}', which cannot be read: {error}.") from error
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def send(urls: str, title: str, body: str) -> None:
    """Sends one message to all of `urls`, Apprise addresses separated by white space or commas.

    Raises:
        AlertError: an address is not valid, or did not take the message. It names neither: addresses hold tokens.
    """
    # Imported here: only a failed run needs it.
    import apprise  # noqa: PLC0415

    notifier = apprise.Apprise()
    if not notifier.add(urls):
        raise AlertError(
            "ALERT_URLS_FILE holds an address that Apprise does not understand: see https://appriseit.com/services/."
        )
    if not notifier.notify(title=title, body=body):
        raise AlertError("An address in ALERT_URLS_FILE did not take the message: see the code server's log.")
