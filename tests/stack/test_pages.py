"""Every page of the UI, in headless Chromium.

This deployment changes how the webserver reads. Dagster's pages ask in many ways: one asked `SELECT true`, and got an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.browser import visit
from tests.stack.conftest import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

LOCATION = "/locations/user_code"
JOB = f"{LOCATION}/jobs/letters_job"
ASSET = "/assets/greeting"
LIMIT = 'mutation { setConcurrencyLimit(concurrencyKey: "oven", limit: 2) }'
NO_LIMIT = 'mutation { deleteConcurrencyLimit(concurrencyKey: "oven") }'
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


def asks(response: Response) -> bool:
    """Whether this is an answer of the API; the page adds the name of its question."""
    return "/graphql" in response.url


def errors(value: Any) -> Iterator[Any]:
    """Yields the results that are an error. The error of a tick or of a step is not one: the page has to show it."""
    fields = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in fields:
        if str(name).endswith("OrError") and isinstance(inner, dict) and inner.get("__typename") == "PythonError":
            yield inner
        yield from errors(inner)


def complaint(response: Response) -> str | None:
    """Returns the error in an answer."""
    if response.status >= 400:
        return f"{response.status} {response.url}"
    if not asks(response):
        return None
    answer = response.json()
    wrong = answer.get("errors") or list(errors(answer))
    return f"{response.request.post_data}\n{json.dumps(wrong)[:2000]}" if wrong else None


@pytest.mark.timeout(600)
def test_no_page_of_the_ui_gets_an_error(still: Stack, page: Page) -> None:
    """After a run of either kind, and with a pool that has a limit."""
    still.client.query(LIMIT)
    runs = [still.succeeds(job).run_id for job in ("letters_job", "quick_job")]
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))  # noqa: PLW0108 - Playwright takes no built-in method
    # The answers to a page that is left can no longer be read.
    page.on("request", lambda request: answers.clear() if request.is_navigation_request() else None)
    for address in (*PAGES, *(f"/runs/{run_id}" for run_id in runs)):
        visit(page, address)
        assert any(map(asks, answers)), f"{address} asks nothing"
        assert [said for response in answers if (said := complaint(response))] == [], address
    still.client.query(NO_LIMIT)
