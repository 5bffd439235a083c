"""Every page of the UI, in headless Chromium.

This deployment changes how the webserver reads. Dagster's pages ask in many ways: one asked `SELECT true`, and got an error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.stack.browser import visit
from tests.stack.conftest import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

LOCATION = "/locations/user_code"
JOB = f"{LOCATION}/jobs/data_extraction_job"
ASSET = "/assets/raw_user_data"
PAGES = (
    "/overview/activity/timeline",
    "/runs",
    "/runs?view=backfills",
    "/assets",
    *(f"{ASSET}?view={view}" for view in ("overview", "events", "checks", "lineage", "automation", "definition")),
    "/automation",
    f"{LOCATION}/asset-groups/users/lineage",
    f"{LOCATION}/sensors/freshness_sensor",
    f"{LOCATION}/sensors/run_failure_sensor",
    f"{LOCATION}/schedules/users_assets_schedule",
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


def complaint(response: Response) -> str | None:
    """Returns the error in an answer."""
    if response.status >= 400:
        return f"{response.status} {response.url}"
    if not asks(response):
        return None
    answer = response.text()
    wrong = json.loads(answer).get("errors") or "PythonError" in answer
    return f"{response.request.post_data}\n{answer[:2000]}" if wrong else None


@pytest.mark.timeout(600)
def test_no_page_of_the_ui_gets_an_error(still: Stack, page: Page) -> None:
    """After a run of either kind, and with a pool that has a limit."""
    still.client.query('mutation { setConcurrencyLimit(concurrencyKey: "oven", limit: 2) }')
    runs = [still.succeeds(job).run_id for job in ("users_assets_job", "data_extraction_job")]
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))  # noqa: PLW0108 - Playwright takes no built-in method
    for address in (*PAGES, *(f"/runs/{run_id}" for run_id in runs)):
        answers.clear()
        visit(page, address)
        page.wait_for_load_state("networkidle")
        assert any(map(asks, answers)), f"{address} asks nothing"
        assert [said for response in answers if (said := complaint(response))] == [], address
