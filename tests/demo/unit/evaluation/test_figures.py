"""Figures combine the values of several repetitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.evaluation.measure.figures import Figure, Style, Summary, compare, quantity, summarise
from demo.evaluation.measure.measures import Measure
from demo.evaluation.measure.source_lines import lines_of, wiring_lines


@pytest.mark.parametrize(
    ("values", "median", "text"),
    [
        ((3.0, 3.0, 3.0), 3.0, "3"),
        ((1.0, 9.0, 2.0), 2.0, "2 (1 to 9)"),
        ((1.25, 1.5), 1.375, "1.4 (1.2 to 1.5)"),
        ((None, 4.0, 5.0), 5.0, "5 (4 to 5) (never in 1 of 3)"),
        ((None, None, 5.0), None, "never in 2 of 3"),
        ((None, 5.0), None, "never in 1 of 2"),
        ((None,), None, "never"),
        ((0.0,), 0.0, "0"),
    ],
)
def test_median_counts_an_event_that_never_happened_as_the_latest(
    values: tuple[float | None, ...], median: float | None, text: str
) -> None:
    """A median of the other values alone would hide that the event never happened."""
    (summary,) = summarise([[Figure(Measure.RUN_TIME, "v", Style.TASK, value)] for value in values])
    assert (summary.median, summary.text(), summary.values) == (median, text, values)


@pytest.mark.parametrize(
    ("measure", "one", "other", "order"),
    [
        (Measure.RUN_TIME, (10, 30, 50), (20, 40, 60), -1),
        (Measure.RUN_TIME, (31, 12, 33), (20, 5, 30), 1),
        (Measure.RUN_TIME, (10, 30, 70), (20, 40, 60), 0),
        (Measure.RUN_TIME, (10, 30, 50), (20, 30, 60), 0),
        (Measure.RUN_TIME, (10, 19), (20, 25), 0),
        (Measure.RUN_TIME, (None, None), (20, 30), 1),
        (Measure.RUN_TIME, (None, None), (None,), 0),
        (Measure.STEPS, (3, 4, 4), (4, 4, 5), 0),
        (Measure.STEPS, (3, 3, 4), (4, 4, 5), -1),
    ],
)
def test_compare_calls_seconds_equal_unless_three_repetitions_agree(
    measure: Measure, one: tuple[Any], other: tuple[Any], order: int
) -> None:
    """Times vary, so one style must be ahead in each of at least three repetitions.

    Other measures compare their medians. An event that never happened comes last.
    """
    first, second = (Summary(measure, "v", Style.TASK, values) for values in (one, other))
    assert (compare(first, second), compare(second, first)) == (order, -order)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1", "steps", "1 step"),
        ("1", "entries", "1 entry"),
        ("0", "entries", "0 entries"),
        ("3 (1 to 4)", "steps", "3 (1 to 4) steps"),
        ("1", "s", "1 s"),
        ("2", "of 3", "2 of 3"),
        ("never in 1 of 3", "s", "never in 1 of 3"),
    ],
)
def test_quantity_has_a_singular_unit_for_the_number_one(value: str, unit: str, text: str) -> None:
    """The report contains quantities in its sentences."""
    assert quantity(value, unit) == text


def test_summarise_groups_figures_and_keeps_their_order() -> None:
    """The report lists a figure for each measure, variant and style."""
    repetition = [
        Figure(Measure.RUN_TIME, "b", Style.TASK, 1),
        Figure(Measure.RUN_TIME, "a", Style.ASSET, 2),
        Figure(Measure.STEPS, "b", Style.TASK, 3),
    ]
    found = summarise([repetition, repetition])
    assert [(one.measure, one.variant, one.values) for one in found] == [
        (Measure.RUN_TIME, "b", (1, 1)),
        (Measure.RUN_TIME, "a", (2, 2)),
        (Measure.STEPS, "b", (3, 3)),
    ]


SOURCE = '''"""A module."""

import dagster as dg


# A comment.
@dg.op(
    out={},
)
def first(a, b):
    """What it does,

    at length.
    """
    # Why.
    text = "one" \\
        "two"

    return a, b, text


@dg.job
def wired():
    """Wires."""
    x = first(1, 2)
    first(
        x,
        2,
    )


@dg.asset(deps=[first],
          ins={"x": 1}, group_name="g")
def third():
    pass
'''


def test_line_counts_omit_comments_docstrings_and_empty_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report counts the lines that a person must write. Decorators and wrapped calls count."""
    (tmp_path / "module.py").write_text(SOURCE)
    monkeypatch.setenv("USER_CODE_SOURCE", str(tmp_path))
    assert lines_of("module.py", "first") == 3 + 1 + 2 + 1
    assert lines_of("module.py", "wired") == 1 + 1 + 1 + 4
    assert lines_of("module.py", "first", "wired") == 14
    assert wiring_lines("module.py") == 5 + 2
    with pytest.raises(LookupError, match=r"module\.py defines no fourth"):
        lines_of("module.py", "fourth")
