"""demo/tour.md, taken step by step in a browser: its commands are run, its pages opened, its texts seen."""

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
# The parts of a step, in the order in which it names them.
STEP = re.compile(
    r"```sh\n(?P<command>.*?)\n```|Open\s+<(?P<open>[^>]+)>|click\s+the\s+arrow\s+beside\s+`(?P<arrow>[^`]+)`"
    r"|click\s+`(?P<click>[^`]+)`|(?P<see>See(?:,?\s+`[^`]+`)+)",
    re.DOTALL,
)


def sections() -> Iterator[tuple[str, str]]:
    """Headings of the tour, with what stands below."""
    parts = re.split(r"^## (.*)$", repository_text("demo/tour.md"), flags=re.MULTILINE)
    return zip(parts[1::2], parts[2::2], strict=True)


def test_the_tour_has_steps_in_every_section() -> None:
    """Each opens a page and sees something; a step that is written otherwise would not be taken."""
    for heading, text in sections():
        kinds = [step.lastgroup for step in STEP.finditer(text)]
        assert {"open", "see"} <= set(kinds), heading
        assert len(re.findall(r"Open\s+<|click\s|See\s+`|```sh", text)) == len(kinds), heading


@pytest.mark.timeout(300)
def test_every_step_of_the_tour(still: Demo, page: Page) -> None:
    """In order, because a step may need what one before has done."""
    url = f"http://127.0.0.1:{still.port}"
    for heading, text in sections():
        for step in STEP.finditer(text):
            try:
                take(step, url, still, page)
            except Exception as error:
                error.add_note(f"in '{heading}', at: {step[0]}")
                raise
    still.quiet()


def take(step: re.Match[str], url: str, stack: Demo, page: Page) -> None:
    """One step."""
    if step["command"]:
        subprocess.run(shlex.split(step["command"]), cwd=ROOT, env=stack.environ, check=True, capture_output=True)
    elif step["open"]:
        visit(page, step["open"].replace(HOME, url))
    elif step["arrow"]:
        button = page.get_by_role("button", name=beginning(step["arrow"])).first
        button.locator("xpath=following::button[1]").click()
    elif step["click"]:
        button = page.get_by_role("button", name=beginning(step["click"])).or_(
            page.get_by_role("menuitem", name=beginning(step["click"]))
        )
        expect(button.first).to_be_enabled(timeout=SEEN_MILLISECONDS)
        button.first.click()
    else:
        for wanted in re.findall(r"`([^`]+)`", step["see"]):
            expect(page.get_by_text(wanted).first).to_be_visible(timeout=SEEN_MILLISECONDS)


def beginning(label: str) -> re.Pattern[str]:
    """Matches the start of a button's label. The icon has a name too: 'Materialize' is also 'Materialize…'."""
    return re.compile(rf"(?<!\w){re.escape(label)}")
