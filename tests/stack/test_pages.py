"""Headless Chromium opens every page of the UI.

This deployment changes how the webserver reads the database. Dagster's pages send many kinds of queries.
One page once caused the query `SELECT true`, and got an error.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error

from dagster_api.waiting import seen, wait_for
from tests.stack.browser import visit
from tests.stack.conftest import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

LOCATION = "/locations/user_code"
JOB = f"{LOCATION}/jobs/letters_job"
ASSET = "/assets/greeting"
LIMIT = 'mutation { setConcurrencyLimit(concurrencyKey: "oven", limit: 2) }'
NO_LIMIT = 'mutation { deleteConcurrencyLimit(concurrencyKey: "oven") }'
# Chromium says so of an answer that arrives after it has left the page.
DISCARDED = "No resource with given identifier found"
PAGES = (
    "/overview/activity/timeline",
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


def asks(page: Page, address: str, answers: list[Response]) -> bool:
    """Opens a page, and returns whether it has asked the API. On a busy machine its scripts may start after `visit`."""
    visit(page, address)
    return seen(any(map(is_api_answer, answers)), "it asks nothing")


@pytest.mark.timeout(600)
def test_ui_pages_get_no_error(still: Stack, page: Page) -> None:
    """The pages must have data to show: a run of assets, a run of a job, and a pool with a limit."""
    still.client.query(LIMIT)
    runs = [still.succeeds(job).run_id for job in ("letters_job", "quick_job")]
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))  # noqa: PLW0108 - Playwright takes no built-in method
    # The browser discards the answers of a page when it opens the next page.
    page.on("request", lambda request: answers.clear() if request.is_navigation_request() else None)
    for address in (*PAGES, *(f"/runs/{run_id}" for run_id in runs)):
        wait_for(f"a request of {address}", functools.partial(asks, page, address, answers), seconds=60)
        assert [said for response in answers if (said := error_of_answer(response))] == [], address
    still.client.query(NO_LIMIT)
