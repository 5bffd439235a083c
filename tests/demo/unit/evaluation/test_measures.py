"""A misspelt measure is an error. It does not look like a measure that was not played."""

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


def test_a_misspelt_measure_is_not_recorded() -> None:
    """The error names it, and the file that lists all."""
    with pytest.raises(UnknownMeasureError, match=SENTENCE):
        Figure(MISSPELT, Variant.JOB, Style.TASK, 1)


def test_nobody_can_ask_for_a_misspelt_measure(results: Results) -> None:
    """Also not of a scenario that was not played."""
    for scenario in ("incremental", "never played"):
        with pytest.raises(UnknownMeasureError, match=SENTENCE):
            results.summary(scenario, MISSPELT, Variant.JOB)


def test_a_claim_with_a_misspelt_measure_ends_the_report(results: Results) -> None:
    """Its verdict is not "not played"."""
    claim = Claim(Source.LESSON, 99, "A claim.", lambda figures: (verdict(holds=figures.value(MISSPELT, "job") == 1), ""))
    with pytest.raises(UnknownMeasureError, match=SENTENCE):
        claim.check(results.of_scenario("incremental"))


def test_a_measure_that_a_scenario_lacks_is_not_played(results: Results) -> None:
    """The measure exists, and another scenario records it."""
    claim = Claim(Source.LESSON, 99, "A claim.", lambda figures: (verdict(holds=figures.value(Measure.WIRING, "job") == 1), ""))
    checked = claim.check(results.of_scenario("incremental"))
    assert (checked.verdict, checked.because) == (
        Verdict.UNKNOWN,
        "incremental has not measured 'lines that only wire steps' of 'job'",
    )


def test_every_measure_is_in_the_sample_with_its_unit(sample: dict[str, Any]) -> None:
    """A measure that no scenario records is not listed."""
    units = {figure["measure"]: figure["unit"] for scenario in sample["scenarios"] for figure in scenario["figures"]}
    assert units == {str(measure): measure.unit for measure in Measure}
