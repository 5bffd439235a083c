"""Headless Chromium opens the pages that a user sees."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Error, Page, Response, Route, sync_playwright
from playwright.sync_api import TimeoutError as BrowserTimeoutError

from dagster_api.waiting import NotYetError, seen, wait_for
from operate.compose import ROOT

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# Chromium renders in software, and the whole deployment runs on the same machine.
SEEN_MILLISECONDS = 60_000
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
# A script that is loaded late may be missing too: the page then stays empty for ever.
HAS_TEXT = "() => document.body.innerText.trim() !== ''"
RENDERED_MILLISECONDS = 20_000
API = "**/graphql*"


def chromium() -> str:
    """Returns the path of Chromium. Installs Chromium if it is missing."""
    return subprocess.run([ROOT / "scripts/chromium.sh"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Yields a browser. Its start takes four seconds of CPU, so that the tests of a folder share it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@contextmanager
def browser_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """Yields a page with cookies and a login of its own. Addresses without a host are addresses of `url`."""
    with browser.new_page(base_url=url, viewport={"width": 1280, "height": 720}, **options) as page:
        page.set_default_timeout(SEEN_MILLISECONDS)
        page.route(API, ask_without_chromium)
        yield page
        page.unroute_all(behavior="ignoreErrors")


def ask_without_chromium(route: Route) -> None:
    """Asks the API by Playwright's own client, which no change of the host's networks disturbs.

    Chromium drops the answer. The UI then shows "Launching…" for ever, although the run was launched.
    """
    try:
        answer = route.fetch(timeout=SEEN_MILLISECONDS)
    except Error:
        route.abort()
    else:
        route.fulfill(response=answer)


def visit(page: Page, address: str, *texts: str) -> Response:
    """Opens an address, and repeats this until the whole page arrives and shows the texts; returns its response.

    The start or end of a container changes the host's networks. Chromium then aborts the requests that it is loading.
    The page stays empty if the page itself, a script or an answer is missing. A graph once showed for a minute that it was
    loading, while the test of the stack ran beside it: no request of the page had failed.
    """
    lost: list[str] = []
    page.on("requestfailed", lambda request: lost.append(request.url) if request.failure == NETWORK_CHANGED else None)

    def there() -> Response:
        lost.clear()
        with network_changes_awaited():
            response = page.goto(address)
        page.wait_for_load_state("networkidle")
        if not lost:
            with rendering_awaited():
                page.wait_for_function(HAS_TEXT, timeout=RENDERED_MILLISECONDS)
                for text in texts:
                    page.get_by_text(text, exact=True).first.wait_for(timeout=RENDERED_MILLISECONDS)
        return seen(None if lost else response, f"{NETWORK_CHANGED}: {lost}")

    return wait_for(f"an answer of {address}", there, seconds=SEEN_MILLISECONDS / 1000)


@contextmanager
def rendering_awaited() -> Iterator[None]:
    """Lets `wait_for` repeat its block where a page stays empty or incomplete."""
    try:
        yield
    except BrowserTimeoutError as error:
        raise NotYetError(f"the page is incomplete: {error.message}") from error


@contextmanager
def network_changes_awaited() -> Iterator[None]:
    """Lets `wait_for` repeat its block where Chromium gives up because the host's networks change."""
    try:
        yield
    except Error as error:
        if NETWORK_CHANGED not in error.message:
            raise
        raise NotYetError(error.message) from error
