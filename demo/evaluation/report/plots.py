"""Plots as SVG in the page's text colour: readable in light mode, in dark mode and on paper."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from demo.evaluation.measure.figures import Style, Summary
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.timeline import Bar, Mark

# Okabe and Ito's blue and orange: everybody can tell them apart, on white and on black.
COLOURS = {str(Style.TASK): "#E69F00", str(Style.ASSET): "#0072B2"}
FAILED = "#CC3311"
# A placeholder for the page's own colour.
INK = "#123456"
WIDTH, ROW = 8.6, 0.34
# A share of the timeline. Shorter steps are drawn this wide, or nobody would see them.
LEAST_WIDTH = 0.006
mpl.rcParams.update(
    {"svg.fonttype": "none", "svg.hashsalt": "evaluation", "font.size": 9, "text.color": INK, "axes.labelcolor": INK}
)
mpl.rcParams.update({"axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK, "font.family": "sans-serif"})


def _svg(canvas: Canvas) -> str:
    text = io.StringIO()
    canvas.savefig(text, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace(INK, "currentColor")


def comparison(summaries: Sequence[Summary], measure: Measure) -> str:
    """Draws a bar for each variant: the median, with the lowest and the highest value."""
    found = [summary for summary in summaries if summary.measure == measure]
    canvas = Canvas(figsize=(WIDTH, 0.6 + ROW * len(found)))
    axes = canvas.subplots()
    for row, summary in enumerate(found):
        middle, (low, high) = summary.median or 0, summary.spread or (0, 0)
        errors = [[max(middle - low, 0)], [max(high - middle, 0)]]
        axes.barh(row, middle, 0.62, color=COLOURS[summary.style], xerr=errors, error_kw={"ecolor": INK, "capsize": 2, "lw": 1})
        axes.text(max(middle, high), row, f"  {summary.text()}", va="center")
    axes.set_yticks(range(len(found)), [summary.variant for summary in found])
    axes.invert_yaxis()
    axes.set_xlabel(f"{measure} ({measure.unit})" if found else measure)
    axes.margins(x=0.18)
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(canvas)


def timeline(bars: Sequence[Bar], marks: Sequence[Mark]) -> str:
    """Draws the steps of both styles over the same seconds. Failed ones are red and hatched."""
    rows = list(dict.fromkeys((bar.style, bar.label) for bar in sorted(bars, key=lambda bar: bar.style, reverse=True)))
    canvas = Canvas(figsize=(WIDTH, 1.0 + ROW * 0.8 * len(rows)))
    axes = canvas.subplots()
    least = max((bar.end for bar in bars), default=0) * LEAST_WIDTH
    for bar in bars:
        row, width = rows.index((bar.style, bar.label)), max(bar.end - bar.start, least)
        colour = FAILED if bar.failed else COLOURS[bar.style]
        axes.barh(row, width, 0.6, left=bar.start, color=colour, hatch="///" if bar.failed else None)
    for mark in marks:
        axes.axvline(mark.at, color=INK, lw=0.8, ls=":")
        axes.text(mark.at, -0.9, mark.label, ha="left", va="bottom", fontsize=7, rotation=20)
    axes.set_yticks(range(len(rows)), [f"{label} · {Style(style).label}" for style, label in rows])
    axes.invert_yaxis()
    axes.set_xlabel("seconds since the first event")
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(canvas)
