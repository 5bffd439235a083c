"""Headless Chromium shows the pages that a person sees."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

from dagster_api.waiting import NotYetError, wait_for
from operate.compose import ROOT

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# Chromium renders in software, on a machine that also runs the whole deployment.
SEEN_MILLISECONDS = 60_000
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"


def chromium() -> str:
    """Returns the path of Chromium, and installs it where it is missing."""
    return subprocess.run([ROOT / "scripts/chromium.sh"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


@contextmanager
def browser_page(url: str, **options: Any) -> Iterator[Page]:
    """Returns a page of a separate browser, with `url` as its home."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(base_url=url, viewport={"width": 1280, "height": 720}, **options)
        page.set_default_timeout(SEEN_MILLISECONDS)
        yield page
        browser.close()


def visit(page: Page, address: str) -> None:
    """Opens an address until all of the page arrives.

    Each start or end of a container changes the host's networks, and Chromium then gives up what it is loading: the page
    itself, or a script or an answer without which the page stays empty.
    """
    lost: list[str] = []
    page.on("requestfailed", lambda request: lost.append(request.url) if request.failure == NETWORK_CHANGED else None)

    def there() -> None:
        lost.clear()
        try:
            page.goto(address)
        except Error as error:
            if NETWORK_CHANGED not in error.message:
                raise
        page.wait_for_load_state("networkidle")
        if lost:
            raise NotYetError(f"{NETWORK_CHANGED}: {lost}")

    wait_for(f"an answer of {address}", there, seconds=SEEN_MILLISECONDS / 1000)
