"""Headless Chromium shows the UI as a user sees it. PICTURES=demo/pictures takes the README's pictures again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from operate.compose import ROOT
from tests.demo.stack.conftest import Demo
from tests.stack.browser import SEEN_MILLISECONDS, visit

GRAPH = "/locations/user_code/asset-groups/users/lineage"
JOB = "/locations/user_code/jobs/data_extraction_job"
USERS = ("raw_user_data", "transformed_user_data", "user_data_csv", "data_extraction_summary")
OPS = ("fetch_data_from_api", "transform_data", "save_to_csv", "generate_summary")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Returns the folder for the pictures: a temporary folder, unless PICTURES names another."""
    folder = ROOT / os.environ["PICTURES"] if "PICTURES" in os.environ else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.timeout(300)
def test_asset_graph_shows_the_four_materialized_assets(still: Demo, page: Page, pictures: Path) -> None:
    """The README shows this picture of the lineage of group `users`."""
    still.succeeds("users_assets_job")
    visit(page, GRAPH, *USERS)
    expect(page.get_by_text("Materialized").first).to_be_visible(timeout=SEEN_MILLISECONDS)
    page.screenshot(path=pictures / "asset-graph.png")


@pytest.mark.timeout(300)
def test_job_graph_shows_the_four_ops(still: Demo, page: Page, pictures: Path) -> None:
    """The README links to this picture of the job's steps."""
    visit(page, JOB, *OPS)
    page.screenshot(path=pictures / "job-graph.png")
