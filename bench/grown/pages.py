"""Loads pages of the UI in headless Chromium, as a person would."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = {
    "timeline": "/overview/activity/timeline",
    "runs": "/runs",
    "catalog": "/assets",
    "asset": "/assets/bread",
    "asset's events": "/assets/bread?view=events",
    "job": "/locations/__repository__@user_code/jobs/bread_job",
    "automation": "/automation",
    "graph": "/asset-groups",
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# The UI asks again and again; a page is loaded if no first answer has come for this long.
QUIET_MILLISECONDS = 1_500
LOOK_MILLISECONDS = 250
MOST_SECONDS = 90
# Chromium keeps 250 entries unless it is told otherwise.
KEEP_ENTRIES = "performance.setResourceTimingBufferSize(5000)"
ANSWERS = """() => { const found = performance.getEntriesByType('resource').filter(each => each.name.includes('/graphql'));
    return [performance.now(), Math.max(0, ...found.map(each => each.responseEnd))] }"""


@contextmanager
def browser(url: str) -> Iterator[Page]:
    """Yields a page of a new browser. Chromium is installed if it is missing."""
    program = subprocess.run([ROOT / "scripts/chromium.sh"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = started.new_page(base_url=url, viewport={"width": 1440, "height": 900})
        page.add_init_script(KEEP_ENTRIES)
        yield page
        started.close()


def load(page: Page, address: str) -> float:
    """Loads a page; returns the seconds from the request for it to the last answer of the API.

    Raises:
        WaitError: answers have not ended within MOST_SECONDS.
    """
    page.goto(address)

    def loaded() -> float:
        page.wait_for_timeout(LOOK_MILLISECONDS)
        now, last = (float(each) for each in page.evaluate(ANSWERS))
        return seen(last if last and now - last > QUIET_MILLISECONDS else None, f"the last answer came at {last:.0f} ms")

    return wait_for(f"the page {address}", loaded, seconds=MOST_SECONDS, every=0) / 1000


def loads(url: str, times: int) -> dict[str, list[float]]:
    """The seconds of each load of each page, by its name. The first load of all fills the browser's cache and does not count."""
    with browser(url) as page:
        load(page, PAGES["timeline"])
        return {name: sorted(load(page, address) for _ in range(times)) for name, address in PAGES.items()}
