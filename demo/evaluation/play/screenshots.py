"""Screenshots of the UI at one moment, in headless Chromium."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as BrowserPage

from demo.evaluation.measure.results import Picture

CHROMIUM = "/usr/bin/chromium"
# Chromium cannot make its own sandbox in an unprivileged container. It opens only pages of this deployment.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"]
# Chromium draws pages in software, on a machine that also runs the deployment.
SECONDS = 60


@dataclass(frozen=True)
class Page:
    """A page of the UI, a text to click, and a text that shows that it is drawn."""

    name: str
    title: str
    path: str
    wanted: str
    click: str = ""


PAGES = (
    Page("asset_page", "raw_user_data, with its freshness", "/assets/raw_user_data?view=overview", "Failed"),
    Page("asset_graph", "The assets of group users", "/locations/user_code/asset-groups/users/lineage", "Materialized"),
    Page("job_graph", "The job's graph of ops", "/locations/user_code/jobs/data_extraction_job", "generate_summary"),
    Page("run_timeline", "Runs of the last hour", "/overview/activity/timeline", "Jobless asset materializations", "1hr"),
)


def take_pictures(url: str) -> list[Picture]:
    """Takes screenshots of all pages, opened at one moment."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = [(wanted, _open(browser, url + wanted.path)) for wanted in PAGES]
        pictures = [_picture(wanted, page) for wanted, page in opened]
        browser.close()
    return pictures


def _open(browser: Browser, url: str) -> BrowserPage:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(SECONDS * 1000)
    page.goto(url, wait_until="commit")
    return page


def _picture(wanted: Page, page: BrowserPage) -> Picture:
    page.wait_for_load_state("networkidle")
    if wanted.click:
        with page.expect_response("**/graphql*"):
            page.get_by_text(wanted.click, exact=True).first.click()
    page.get_by_text(wanted.wanted).first.wait_for()
    page.get_by_text("Refreshing data").wait_for(state="hidden")
    png = page.screenshot()
    page.close()
    return Picture(wanted.name, wanted.title, png)
