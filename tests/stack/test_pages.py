"""Headless Chromium opens every page of the UI.

This deployment changes how the webserver reads the database. Dagster's pages send many kinds of queries.
One page once caused the query `SELECT true`, and got an error.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error
from playwright.sync_api import TimeoutError as BrowserTimeoutError

from dagster_api.waiting import NotYetError, seen, wait_for
from tests.stack.browser import NETWORK_CHANGED, visit
from tests.stack.conftest import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response

LOCATION = "/locations/user_code"
JOB = f"{LOCATION}/jobs/letters_job"
ASSET = "/assets/greeting"
LIMIT = 'mutation { setConcurrencyLimit(concurrencyKey: "oven", limit: 2) }'
NO_LIMIT = 'mutation { deleteConcurrencyLimit(concurrencyKey: "oven") }'
FOLLOW = "address => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')) }"
# Playwright calls a page idle after this time without a request.
QUIET_MILLISECONDS = 500
# Chromium says so of an answer that arrives after it has left the page.
DISCARDED = "No resource with given identifier found"
HOME = "/overview/activity/timeline"
PAGES = (
    "/runs",
    "/runs?view=backfills",
    "/assets",
    *(f"{ASSET}?view={view}" for view in ("overview", "events", "checks", "lineage", "automation", "definition")),
    "/automation",
    f"{LOCATION}/asset-groups/letters/lineage",
    f"{LOCATION}/sensors/slow_sensor",
    f"{LOCATION}/schedules/letters_schedule",
    f"{LOCATION}/resources",
    JOB,
    f"{JOB}/playground",
    f"{JOB}/runs",
    "/deployment/locations",
    "/deployment/daemons",
    "/deployment/concurrency",
    "/deployment/concurrency/oven",
    "/deployment/config",
)


def is_api_answer(response: Response) -> bool:
    """Returns whether this is an answer of the API. The page appends the name of its query to the address."""
    return "/graphql" in response.url


def errors(value: Any) -> Iterator[Any]:
    """Yields the results that are an error. The page must show the error of a tick or a step, so that is none."""
    fields = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in fields:
        if str(name).endswith("OrError") and isinstance(inner, dict) and inner.get("__typename") == "PythonError":
            yield inner
        yield from errors(inner)


def content(response: Response) -> dict[str, Any]:
    """Returns an answer of the API; an empty one where it has come for the page before, whose answers are known."""
    try:
        said: dict[str, Any] = response.json()
    except Error as error:
        if DISCARDED not in error.message:
            raise
        return {}
    return said


def error_of_answer(response: Response) -> str | None:
    """Returns the error in an answer, or None."""
    if response.status >= 400:
        return f"{response.status} {response.url}"
    if not is_api_answer(response):
        return None
    answer = content(response)
    wrong = answer.get("errors") or list(errors(answer))
    return f"{response.request.post_data}\n{json.dumps(wrong)[:2000]}" if wrong else None


class Traffic:
    """Knows the requests of a browser page, and the answers since it showed another page of the UI."""

    def __init__(self, page: Page) -> None:
        self.under_way: set[Request] = set()
        self.answers: list[Response] = []
        self.lost = False
        page.on("request", self.begun)
        page.on("response", self.answered)
        page.on("requestfinished", self.ended)
        page.on("requestfailed", self.ended)

    def begun(self, request: Request) -> None:
        """Notes a request."""
        self.under_way.add(request)

    def answered(self, response: Response) -> None:
        """Notes an answer, which may still be on its way."""
        self.answers.append(response)

    def ended(self, request: Request) -> None:
        """Notes the end of a request, and whether it has no answer because the host's networks changed."""
        self.under_way.discard(request)
        self.lost |= request.failure == NETWORK_CHANGED

    def errors(self) -> list[str]:
        """Returns the errors in the answers, and forgets the answers."""
        answers, self.answers, self.lost = self.answers, [], False
        return [said for response in answers if (said := error_of_answer(response))]

    def settled(self, page: Page) -> bool:
        """Returns whether the page has asked the API, waits for no answer, and asks nothing more for half a second."""
        with contextlib.suppress(BrowserTimeoutError):
            raise NotYetError(page.wait_for_event("request", timeout=QUIET_MILLISECONDS).url)
        asked = any(map(is_api_answer, self.answers))
        return seen((asked or self.lost) and not self.under_way, [request.url for request in self.under_way] or "it asks nothing")


def follow(page: Page, address: str, traffic: Traffic) -> None:
    """Opens an address as a link of the UI does. The scripts of the UI stay loaded: each load takes 1.5 s of CPU."""
    page.evaluate(FOLLOW, address)
    wait_for(f"the answers of {address}", lambda: traffic.settled(page), seconds=60, every=0)
    if traffic.lost:
        visit(page, address)


@pytest.mark.timeout(600)
def test_ui_pages_get_no_error(still: Stack, page: Page) -> None:
    """The pages must have data to show: a run of assets, a run of a job, and a pool with a limit."""
    still.client.query(LIMIT)
    runs = [still.succeeds(job).run_id for job in ("letters_job", "quick_job")]
    traffic = Traffic(page)
    visit(page, HOME)
    assert traffic.errors() == [], HOME
    for address in (*PAGES, *(f"/runs/{run_id}" for run_id in runs)):
        follow(page, address, traffic)
        assert traffic.errors() == [], address
    still.client.query(NO_LIMIT)
