"""Messages to the operator. Plain Python: the sensor in `defs/sensors.py` calls it."""

from __future__ import annotations

from pathlib import Path


class AlertError(Exception):
    """An address did not receive a message."""


def failure_message(job: str, run_id: str, error: str) -> tuple[str, str]:
    """Title and body that name the failed run and the reason, in at most 1,500 characters, which every channel accepts."""
    return f"Dagster: {job} failed", f"Run {run_id}\n{error}"[:1500]


def read_urls(file: Path | None) -> str:
    """The operator's file of addresses, without lines that start with '#'. Empty without a file.

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
        AlertError: an address is not valid, or refused the message. It does not name the address: addresses hold tokens.
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
