"""Each panel of the dashboard shows data. With PICTURES, the test draws them into that folder."""

from __future__ import annotations

import os
import time
import urllib.parse
from pathlib import Path

import pygal
import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT
from scripts.dashboard import Panel, panels
from tests.drills.monitoring.prometheus import Prometheus, answer
from tests.stack.browser import browser_page
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(600)
MINUTES = 10
STYLE = pygal.style.Style(
    background="white", plot_background="white", legend_font_size=15, title_font_size=19, label_font_size=12
)


def lines(prometheus: Prometheus, panel: Panel) -> dict[str, list[tuple[float, float]]]:
    """Returns the lines of a panel for the last minutes: times in minutes, and values."""
    now = time.time()
    asked = {"query": panel.query, "start": now - 60 * MINUTES, "end": now, "step": 10}
    found = answer(f"http://127.0.0.1:{prometheus.port}/api/v1/query_range?{urllib.parse.urlencode(asked)}")["data"]["result"]
    return {
        legend(panel, each["metric"]): [((float(at) - now) / 60, float(value)) for at, value in each["values"] if value != "NaN"]
        for each in found
    }


def legend(panel: Panel, labels: dict[str, str]) -> str:
    """Returns the name of a line, as Grafana writes it."""
    text = panel.legend
    for name, value in labels.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


SCALES = {"s": (1, "{:.1f} s"), "bytes": (1e6, "{:.1f} MB"), "percentunit": (0.01, "{:.0f} %")}


def drawn(panel: Panel, found: dict[str, list[tuple[float, float]]]) -> str:
    """Returns a panel as SVG."""
    size, form = SCALES.get(panel.unit, (1, "{:.0f}"))
    top = max((value / size for points in found.values() for _, value in points), default=0) or 1
    # Without a range, pygal does not end for a line that is level.
    chart = pygal.XY(
        title=panel.title, show_dots=False, width=620, height=330, style=STYLE, legend_at_bottom=True, range=(0, 1.1 * top)
    )
    chart.value_formatter = form.format
    chart.x_value_formatter = "{:.0f} min".format
    chart.x_labels = range(-MINUTES, 1, 2)
    chart.y_labels_major_count = 3
    chart.show_minor_y_labels = False
    for name, points in list(found.items())[:8]:
        chart.add(name, [(at, value / size) for at, value in points])
    return str(chart.render(is_unicode=True, disable_xml_declaration=True))


def test_each_panel_shows_data(still: Stack, prometheus: Prometheus, tmp_path: Path) -> None:
    """A panel without data looks like a deployment that is well."""
    still.schedules(running=True)
    for _ in range(2):
        still.succeeds("letters_job")
        still.succeeds("milk_job")

    def full() -> bool:
        empty = [panel.title for panel in panels() if not any(lines(prometheus, panel).values())]
        return seen(not empty, f"without data: {empty}")

    wait_for("data for each panel", full, seconds=240, every=5)
    still.schedules(running=False)
    folder = ROOT / os.environ.get("PICTURES", tmp_path)
    page = tmp_path / "panels.html"
    charts = "".join(f"<div>{drawn(panel, lines(prometheus, panel))}</div>" for panel in panels())
    page.write_text(f"<style>body {{display: grid; grid-template-columns: repeat(3, 1fr); margin: 0}}</style>{charts}")
    with browser_page(page.as_uri()) as browser:
        browser.goto(page.as_uri())
        browser.set_viewport_size({"width": 1900, "height": 1360})
        browser.screenshot(path=folder / "metrics.png")
