"""A misspelt measure raises an error. It must not look like a measure that was not played."""

from __future__ import annotations

from typing import Any

import pytest

from demo.evaluation.measure.claims import Claim, Source
from demo.evaluation.measure.figures import Figure, Style
from demo.evaluation.measure.measures import Measure, UnknownMeasureError, Variant
from demo.evaluation.measure.results import Results
from demo.evaluation.measure.verdicts import Verdict, verdict

MISSPELT: Any = "step executed"
SENTENCE = r"^'step executed' is not a measure; demo/evaluation/measure/measures\.py lists all measures$"


def test_figure_rejects_a_misspelt_measure() -> None:
    """The error must name the measure, and the file that lists all measures."""
    with pytest.raises(UnknownMeasureError, match=SENTENCE):
        Figure(MISSPELT, Variant.JOB, Style.TASK, 1)


def test_summary_rejects_a_misspelt_measure(results: Results) -> None:
    """A scenario that was not played must not hide the mistake."""
    for scenario in ("incremental", "never played"):
        with pytest.raises(UnknownMeasureError, match=SENTENCE):
            results.summary(scenario, MISSPELT, Variant.JOB)


def test_claim_with_a_misspelt_measure_raises_an_error(results: Results) -> None:
    """The verdict "not played" would hide the mistake."""
    claim = Claim(Source.LESSON, 99, "A claim.", lambda figures: (verdict(holds=figures.value(MISSPELT, "job") == 1), ""))
    with pytest.raises(UnknownMeasureError, match=SENTENCE):
        claim.check(results.of_scenario("incremental"))


def test_claim_has_no_verdict_if_its_scenario_lacks_the_measure(results: Results) -> None:
    """The measure exists, and another scenario records it, so this is no mistake."""
    claim = Claim(Source.LESSON, 99, "A claim.", lambda figures: (verdict(holds=figures.value(Measure.WIRING, "job") == 1), ""))
    checked = claim.check(results.of_scenario("incremental"))
    assert (checked.verdict, checked.because) == (
        Verdict.UNKNOWN,
        "incremental has not measured 'lines that only wire steps' of 'job'",
    )


def test_sample_contains_every_measure_with_its_unit(sample: dict[str, Any]) -> None:
    """The list must not contain a measure that no scenario records."""
    units = {figure["measure"]: figure["unit"] for scenario in sample["scenarios"] for figure in scenario["figures"]}
    assert units == {str(measure): measure.unit for measure in Measure}
