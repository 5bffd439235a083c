"""Each panel of the dashboard shows data. PICTURES=docs takes the picture of docs/operating.md again, from ten full minutes."""

from __future__ import annotations

import math
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
from tests.stack.browser import browser_page, started_browser
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(1500)
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


# The size of a unit, its name, and the smallest step between two labels of an axis.
SCALES = {"short": (1, "", 1), "s": (1, " s", 0.1), "bytes": (1e6, " MB", 0.1), "percentunit": (0.01, " %", 1)}
MOST_STEPS = 4


def labels(top: float, least: float) -> list[float]:
    """Returns round values from zero to the first one that is not below `top`."""
    scale = 10 ** math.floor(math.log10(top / MOST_STEPS)) if top else least
    step = max(least, next(scale * each for each in (1, 2, 5, 10) if scale * each * MOST_STEPS >= top))
    return [step * number for number in range(max(1, math.ceil(top / step)) + 1)]


def drawn(panel: Panel, found: dict[str, list[tuple[float, float]]]) -> str:
    """Returns a panel as SVG."""
    size, unit, least = SCALES[panel.unit]
    values = labels(max((value / size for points in found.values() for _, value in points), default=0), least)
    digits = 0 if values[1] >= 1 else 1
    # Without a range, pygal does not end for a line that is level.
    chart = pygal.XY(
        title=panel.title, show_dots=False, width=620, height=330, style=STYLE, legend_at_bottom=True, range=(0, values[-1])
    )
    chart.x_value_formatter = "{:.0f} min".format
    chart.x_labels = range(-MINUTES, 1, 2)
    chart.y_labels = [{"value": value, "label": f"{value:.{digits}f}{unit}"} for value in values]
    for name, points in list(found.items())[:8]:
        chart.add(name, [(at, value / size) for at, value in points])
    return str(chart.render(is_unicode=True, disable_xml_declaration=True))


def recorded(prometheus: Prometheus) -> float:
    """Returns for how many minutes, ten at most, Prometheus has had data of the deployment."""
    (first,) = lines(prometheus, Panel("", "sum(dagster_service_healthy)", "all"))["all"][:1]
    return -first[0]


def picture(prometheus: Prometheus, folder: Path, page: Path) -> None:
    """Draws all panels into a file `metrics.png` of a folder."""
    charts = "".join(f"<div>{drawn(panel, lines(prometheus, panel))}</div>" for panel in panels())
    page.write_text(f"<style>body {{display: grid; grid-template-columns: repeat(3, 1fr); margin: 0}}</style>{charts}")
    with started_browser() as browser, browser_page(browser, page.as_uri()) as shown:
        shown.set_viewport_size({"width": 1900, "height": 600})
        shown.goto(page.as_uri())
        shown.screenshot(path=folder / "metrics.png", full_page=True)


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
    if folder := os.environ.get("PICTURES"):
        wait_for("ten minutes of data", lambda: seen(recorded(prometheus) > MINUTES - 0.5, "fewer"), seconds=700, every=10)
    still.schedules(running=False)
    picture(prometheus, ROOT / folder if folder else tmp_path, tmp_path / "panels.html")
