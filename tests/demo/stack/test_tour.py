"""The tests take the steps of demo/tour.md in a browser. They run its commands, open its pages and find its texts."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from operate.compose import ROOT
from tests.conftest import repository_text
from tests.demo.stack.conftest import Demo
from tests.stack.browser import SEEN_MILLISECONDS, visit

HOME = "http://localhost:3000"
# A step names its parts in this order.
STEP = re.compile(
    r"```sh\n(?P<command>.*?)\n```|Open\s+<(?P<open>[^>]+)>|click\s+the\s+arrow\s+beside\s+`(?P<arrow>[^`]+)`"
    r"|click\s+`(?P<click>[^`]+)`|(?P<see>See(?:,?\s+`[^`]+`)+)",
    re.DOTALL,
)


def sections() -> Iterator[tuple[str, str]]:
    """Returns the headings of the tour, each with the text below it."""
    parts = re.split(r"^## (.*)$", repository_text("demo/tour.md"), flags=re.MULTILINE)
    return zip(parts[1::2], parts[2::2], strict=True)


def test_tour_sections_have_only_steps_that_the_test_can_take() -> None:
    """The next test would skip a step that is written in another way."""
    for heading, text in sections():
        kinds = [step.lastgroup for step in STEP.finditer(text)]
        assert {"open", "see"} <= set(kinds), heading
        assert len(re.findall(r"Open\s+<|click\s|See\s+`|```sh", text)) == len(kinds), heading


@pytest.mark.timeout(300)
def test_steps_of_the_tour_work_in_their_order(watched: Demo, page: Page) -> None:
    """A step may need the result of an earlier step."""
    url = f"http://127.0.0.1:{watched.port}"
    for heading, text in sections():
        for step in STEP.finditer(text):
            try:
                take_step(step, url, watched, page)
            except Exception as error:
                error.add_note(f"in '{heading}', at: {step[0]}")
                raise
    watched.quiet()


def take_step(step: re.Match[str], url: str, stack: Demo, page: Page) -> None:
    """Takes one step of the tour."""
    if step["command"]:
        subprocess.run(shlex.split(step["command"]), cwd=ROOT, env=stack.environ, check=True, capture_output=True)
    elif step["open"]:
        visit(page, step["open"].replace(HOME, url))
    elif step["arrow"]:
        button = page.get_by_role("button", name=label_start(step["arrow"])).first
        button.locator("xpath=following::button[1]").click()
    elif step["click"]:
        button = page.get_by_role("button", name=label_start(step["click"])).or_(
            page.get_by_role("menuitem", name=label_start(step["click"]))
        )
        expect(button.first).to_be_enabled(timeout=SEEN_MILLISECONDS)
        button.first.click()
    else:
        for wanted in re.findall(r"`([^`]+)`", step["see"]):
            expect(page.get_by_text(wanted).first).to_be_visible(timeout=SEEN_MILLISECONDS)


def label_start(label: str) -> re.Pattern[str]:
    """Returns a pattern for the start of a button's label. An icon's name may precede it. 'Materialize…' also matches."""
    return re.compile(rf"(?<!\w){re.escape(label)}")
